package sandbox.grants;

/**
 * A privilege that a plan needs. type: Catalog, Schema, Table, Volume, or ANY_FILE, or OUTSIDE for what no grant opens;
 * name: its full name (a path for ANY_FILE); makes, drops: the table that the plan makes or drops, or null.
 */
record Need(String privilege, String type, String name, String makes, String drops) {
    static final String ANY_FILE = "any file";
    static final String OUTSIDE = "outside";

    Need(String privilege, String type, String name) {
        this(privilege, type, name, null, null);
    }

    /** As Databricks words it. */
    String denied() {
        String what = switch (type) {
            case ANY_FILE -> "User does not have permission " + privilege + " on any file. (" + name + ")";
            case OUTSIDE -> name + ".";
            default -> "User does not have " + privilege.replace('_', ' ') + " on " + type + " '" + name + "'.";
        };
        return "[INSUFFICIENT_PERMISSIONS] Insufficient privileges: " + what + " SQLSTATE: 42501";
    }
}
