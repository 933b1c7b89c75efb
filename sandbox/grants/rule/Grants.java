package sandbox.grants;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;

/**
 * The workspace's grants and owners as published, and what follows from them; state tells one publication from another.
 *
 * `sandbox/grants/policy.py` decides the same for the other doors, and a test replays every decision there.
 */
record Grants(String state, JsonNode published) {
    String catalog() {
        return published.path("catalog").asText("");
    }

    /** The need that reading or writing below this path is: of its table, its volume, or any file. */
    Need at(String path, String onTable, String onVolume) {
        Path local = resolved(path);
        Path inWarehouse = below("warehouse", local);
        if (inWarehouse != null && inWarehouse.getNameCount() >= 2) {
            return new Need(onTable, "Table", catalog() + "." + dotted(inWarehouse, 2));
        }
        Path inVolumes = below("volumes", local);
        if (inVolumes != null && inVolumes.getNameCount() >= 3) {
            return new Need(onVolume, "Volume", dotted(inVolumes, 3));
        }
        return new Need(onTable, Need.ANY_FILE, path);
    }

    /** Whether a table is there: `catalog.schema.table`. */
    boolean exists(String table) {
        String[] parts = table.split("\\.", 3);
        return Files.isDirectory(Path.of(published.path("warehouse").asText(), parts[1], parts[2], "_delta_log"));
    }

    boolean allow(String principal, Need need, String owner) {
        for (JsonNode trusted : published.path("trusted")) {
            if (trusted.asText().equals(principal)) {
                return true;
            }
        }
        List<String> own = switch (need.type()) {
            case "Catalog", "Schema", "Table", "Volume" -> levels(need.type(), need.name());
            default -> List.of();
        };
        for (int place = 0; place < own.size(); place++) {
            String securable = own.get(place);
            // An owner has all privileges on the object itself; on what is below it, only the right to manage.
            boolean owns = principal.equals(place == 0 && owner != null ? owner : ownerOf(securable));
            if (owns && (place == 0 || need.privilege().equals("MANAGE"))) {
                return true;
            }
            for (JsonNode privilege : published.path("grants").path(securable).path(principal)) {
                boolean all = privilege.asText().equals("ALL_PRIVILEGES") && !need.privilege().equals("MANAGE");
                if (all || privilege.asText().equals(need.privilege())) {
                    return true;
                }
            }
        }
        return false;
    }

    private String ownerOf(String securable) {
        return published.path("owners").path(securable).asText(null);
    }

    /** The securable and those it is in, nearest first, as `schema/cdh_dev.ml`. */
    private static List<String> levels(String type, String name) {
        String[] parts = name.split("\\.", 3);
        String catalog = "catalog/" + parts[0];
        if (parts.length == 1) {
            return List.of(catalog);
        }
        String schema = "schema/" + parts[0] + "." + parts[1];
        return parts.length == 2 ? List.of(schema, catalog)
                : List.of(type.toLowerCase(Locale.ROOT) + "/" + name, schema, catalog);
    }

    private Path below(String root, Path local) {
        Path folder = resolved(published.path(root).asText("/nowhere"));
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
