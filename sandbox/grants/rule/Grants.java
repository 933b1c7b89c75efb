package sandbox.grants;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;

/**
 * The workspace's grants and owners as published, and what follows from them; state tells one publication from another.
 *
 * `sandbox/grants/policy.py` decides the same for the other doors, and a test replays every decision there.
 */
record Grants(String state, JsonNode published) {
    /** What a binding leaves of the privileges in another workspace's catalog. */
    private static final Set<String> READING = Set.of("USE_CATALOG", "USE_SCHEMA", "SELECT");

    String catalog() {
        return published.path("catalog").asText("");
    }

    /** Whether the catalog of another workspace is bound to this one. */
    boolean binds(String catalog) {
        return published.path("bound").has(catalog);
    }

    /** Where a table of another workspace's catalog lies. */
    Path bound(String catalog, String schema, String table) {
        return Path.of(published.path("bound").path(catalog).path("warehouse").asText("/nowhere"), schema, table);
    }

    /** The need that reading or writing below this path is: of its table, its volume, or any file. */
    Need at(String path, String onTable, String onVolume) {
        Path local = resolved(path);
        Path inWarehouse = below(published.path("warehouse"), local);
        if (inWarehouse != null && inWarehouse.getNameCount() >= 2) {
            return new Need(onTable, "Table", catalog() + "." + dotted(inWarehouse, 2));
        }
        for (Map.Entry<String, JsonNode> other : published.path("bound").properties()) {
            Path inOther = below(other.getValue().path("warehouse"), local);
            if (inOther != null && inOther.getNameCount() >= 2) {
                return new Need(onTable, "Table", other.getKey() + "." + dotted(inOther, 2));
            }
        }
        Path inVolumes = below(published.path("volumes"), local);
        if (inVolumes != null && inVolumes.getNameCount() >= 3) {
            return new Need(onVolume, "Volume", dotted(inVolumes, 3));
        }
        return new Need(onTable, Need.ANY_FILE, path);
    }

    /** Whether a table of the workspace's own is there: `catalog.schema.table`. */
    boolean exists(String table) {
        String[] parts = table.split("\\.", 3);
        return Files.isDirectory(Path.of(published.path("warehouse").asText(), parts[1], parts[2], "_delta_log"));
    }

    boolean allow(String principal, Need need, String owner) {
        String catalog = need.name().split("\\.", 2)[0];
        boolean other = binds(catalog) && !levels(need).isEmpty();
        if (need.type().equals(Need.BINDING) || other && !READING.contains(need.privilege())) {
            return false;
        }
        for (JsonNode trusted : published.path("trusted")) {
            if (trusted.asText().equals(principal)) {
                return true;
            }
        }
        // What another workspace deployed says who may read its catalog; nothing that this one says does.
        JsonNode deployed = other ? published.path("bound").path(catalog) : published;
        List<String> places = levels(need);
        for (int place = 0; place < places.size(); place++) {
            String securable = places.get(place);
            // An owner has all privileges on the object itself; on what is below it, only the right to manage.
            String known = deployed.path("owners").path(securable).asText(null);
            boolean owns = principal.equals(place == 0 && owner != null && !other ? owner : known);
            if (owns && (place == 0 || need.privilege().equals("MANAGE"))) {
                return true;
            }
            for (JsonNode privilege : deployed.path("grants").path(securable).path(principal)) {
                boolean all = privilege.asText().equals("ALL_PRIVILEGES") && !need.privilege().equals("MANAGE");
                if (all || privilege.asText().equals(need.privilege())) {
                    return true;
                }
            }
        }
        return false;
    }

    /** The securable and those it is in, nearest first, as `schema/cdh_dev.ml`. */
    private static List<String> levels(Need need) {
        if (!Set.of("Catalog", "Schema", "Table", "Volume").contains(need.type())) {
            return List.of();
        }
        String[] parts = need.name().split("\\.", 3);
        String catalog = "catalog/" + parts[0];
        if (parts.length == 1) {
            return List.of(catalog);
        }
        String schema = "schema/" + parts[0] + "." + parts[1];
        return parts.length == 2 ? List.of(schema, catalog)
                : List.of(need.type().toLowerCase(Locale.ROOT) + "/" + need.name(), schema, catalog);
    }

    private static Path below(JsonNode root, Path local) {
        Path folder = resolved(root.asText("/nowhere"));
        return local.startsWith(folder) ? folder.relativize(local) : null;
    }

    private static String dotted(Path path, int names) {
        return path.subpath(0, names).toString().replace('/', '.');
    }

    /** The path without links, as far as it exists. */
    private static Path resolved(String path) {
        Path local = Path.of(path).toAbsolutePath().normalize();
        for (Path known = local; known != null; known = known.getParent()) {
            if (Files.exists(known)) {
                try {
                    return known.toRealPath().resolve(known.relativize(local));
                } catch (IOException error) {
                    return local;
                }
            }
        }
        return local;
    }
}
