package sandbox.grants;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import org.apache.spark.SparkContext;

/** Decides needs, records each decision once a session, and keeps who owns the tables. Files lie in one folder. */
final class Checks {
    private static final ObjectMapper JSON = new ObjectMapper();
    private static Checks checks;
    private final Path folder;
    private final Map<String, String> owners = new ConcurrentHashMap<>();
    private final Set<String> recorded = ConcurrentHashMap.newKeySet();
    private volatile Grants grants;

    /** One for the server: all sessions share grants, owners and record. */
    static synchronized Checks of(SparkContext context) {
        if (checks == null) {
            checks = new Checks(context.conf().get("spark.sandbox.grants"));
        }
        return checks;
    }

    private Checks(String folder) {
        this.folder = Path.of(folder);
        try {
            Path known = this.folder.resolve("owners.jsonl");
            if (Files.exists(known)) {
                for (String line : Files.readAllLines(known)) {
                    var entry = JSON.readTree(line);
                    own(entry.get("table").asText(), entry.get("owner").asText(""));
                }
            }
        } catch (IOException error) {
            throw new IllegalStateException("the owners of tables cannot be read: " + error.getMessage(), error);
        }
    }

    /** The grants as last published. */
    Grants grants() {
        Grants current = grants;
        try {
            Path file = folder.resolve("grants.json");
            String state = Files.exists(file) ? Files.getLastModifiedTime(file) + " " + Files.size(file) : "none";
            if (current == null || !current.state().equals(state)) {
                grants = current = new Grants(state, JSON.readTree(state.equals("none") ? "{}" : Files.readString(file)));
            }
        } catch (IOException error) {
            throw new SparkSecurityException("the workspace's grants cannot be read: " + error.getMessage());
        }
        return current;
    }

    /** Return if the principal has all that is needed, else throw; either way the record says so. */
    void demand(String principal, String session, List<Need> needs) {
        Grants current = grants();
        for (Need need : needs) {
            String owner = need.type().equals("Table") ? owners.get(need.name()) : null;
            boolean allowed = current.allow(principal, need, owner);
            String key = String.join("\n", session, principal, need.privilege(), need.type(), need.name(), "" + allowed);
            if (recorded.add(key)) {
                ObjectNode line = JSON.createObjectNode();
                line.put("at", System.currentTimeMillis() / 1000.0).put("principal", principal).put("token", session);
                line.put("privilege", need.privilege()).put("type", need.type()).put("securable", need.name());
                line.put("owner", owner).put("allowed", allowed);
                append("checks.jsonl", line);
            }
            if (!allowed) {
                throw new SparkSecurityException(need.denied());
            }
        }
        for (Need need : needs) {
            if (need.makes() != null && !current.exists(need.makes())) {
                owned(need.makes(), principal);
            }
            if (need.drops() != null) {
                owned(need.drops(), "");
            }
        }
    }

    private void owned(String table, String owner) {
        if (!owner.equals(owners.getOrDefault(table, ""))) {
            append("owners.jsonl", JSON.createObjectNode().put("table", table).put("owner", owner));
            own(table, owner);
        }
    }

    private void own(String table, String owner) {
        if (owner.isEmpty()) {
            owners.remove(table);
        } else {
            owners.put(table, owner);
        }
    }

    private synchronized void append(String file, ObjectNode line) {
        try {
            Files.writeString(folder.resolve(file), line + "\n", StandardCharsets.UTF_8,
                    StandardOpenOption.CREATE, StandardOpenOption.APPEND);
        } catch (IOException error) {
            throw new IllegalStateException("a check cannot be recorded: " + error.getMessage(), error);
        }
    }
}
