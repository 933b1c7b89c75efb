package sandbox.grants;

/**
 * A privilege that a plan needs. type: Catalog, Schema, Table, Volume, or ANY_FILE, or OUTSIDE for what no grant opens,
 * or BINDING for what a catalog's binding to this workspace lets nobody do; name: its full name (a path for ANY_FILE);
 * makes, drops: the table that the plan makes or drops, or null.
 */
record Need(String privilege, String type, String name, String makes, String drops) {
    static final String ANY_FILE = "any file";
    static final String OUTSIDE = "outside";
    static final String BINDING = "binding";

    Need(String privilege, String type, String name) {
        this(privilege, type, name, null, null);
    }

    /** The use of a catalog that is not bound to this workspace. */
    static Need elsewhere(String catalog) {
        return new Need("USE_CATALOG", BINDING, catalog);
    }

    /** A write to a catalog that is there for reading only. */
    static Need readOnly(String catalog) {
        return new Need("MODIFY", BINDING, catalog);
    }

    /** As Databricks words it. */
    String denied() {
        String what = switch (type) {
            case ANY_FILE -> "User does not have permission " + privilege + " on any file. (" + name + ")";
            case OUTSIDE -> name + ".";
            case BINDING -> "Catalog '" + name + "' is " + (privilege.equals("MODIFY")
                    ? "bound read-only to the current workspace." : "not accessible in current workspace.");
            default -> "User does not have " + privilege.replace('_', ' ') + " on " + type + " '" + name + "'.";
        };
        return "[INSUFFICIENT_PERMISSIONS] Insufficient privileges: " + what + " SQLSTATE: 42501";
    }
}
