package sandbox.grants;

import java.util.List;

/** What a relation or a command is about. table, schema: full names, or null; onRead, onWrite: the need of what is no table. */
record Target(String catalog, String schema, String table, Need onRead, Need onWrite) {
    static Target table(String catalog, String schema, String name) {
        return new Target(catalog, catalog + "." + schema, catalog + "." + schema + "." + name, null, null);
    }

    static Target schema(String catalog, String schema) {
        return new Target(catalog, catalog + "." + schema, null, null, null);
    }

    /** The same, where nobody may write. */
    Target readOnly() {
        return new Target(catalog, schema, table, onRead, Need.readOnly(catalog));
    }

    static Target other(Need onRead, Need onWrite) {
        return new Target(null, null, null, onRead, onWrite);
    }

    List<Need> reads() {
        return needs("SELECT", onRead);
    }

    /** Modifying needs to read as well, says the documentation of MODIFY. */
    List<Need> writes() {
        return table == null || onWrite != null ? needs("MODIFY", onWrite)
                : List.of(useCatalog(), useSchema(), new Need("SELECT", "Table", table), new Need("MODIFY", "Table", table));
    }

    List<Need> creates() {
        return table == null || onWrite != null ? needs("MODIFY", onWrite)
                : List.of(useCatalog(), useSchema(), new Need("CREATE_TABLE", "Schema", schema, table, null));
    }

    List<Need> manages() {
        return table == null || onWrite != null ? needs("MANAGE", onWrite)
                : List.of(useCatalog(), useSchema(), new Need("MANAGE", "Table", table, null, table));
    }

    /** Of a schema that is to be. */
    List<Need> createsSchema() {
        return onWrite != null ? needs("CREATE_SCHEMA", onWrite)
                : List.of(useCatalog(), new Need("CREATE_SCHEMA", "Catalog", catalog));
    }

    private List<Need> needs(String privilege, Need other) {
        if (other != null) {
            return other.type().equals("Volume")
                    ? List.of(new Need("USE_CATALOG", "Catalog", other.name().split("\\.")[0]),
                            new Need("USE_SCHEMA", "Schema", other.name().substring(0, other.name().lastIndexOf('.'))), other)
                    : List.of(other);
        }
        if (table != null) {
            return List.of(useCatalog(), useSchema(), new Need(privilege, "Table", table));
        }
        if (schema == null) {
            return List.of();
        }
        return privilege.equals("SELECT") ? List.of(useCatalog(), useSchema())
                : List.of(useCatalog(), new Need("MANAGE", "Schema", schema));
    }

    private Need useCatalog() {
        return new Need("USE_CATALOG", "Catalog", catalog);
    }

    private Need useSchema() {
        return new Need("USE_SCHEMA", "Schema", schema);
    }
}
