package sandbox.grants;

import java.lang.reflect.Method;
import java.net.URI;
import java.util.List;
import java.util.Optional;
import org.apache.hadoop.fs.Path;
import org.apache.spark.sql.catalyst.TableIdentifier;
import org.apache.spark.sql.catalyst.analysis.ResolvedIdentifier;
import org.apache.spark.sql.catalyst.analysis.ResolvedNamespace;
import org.apache.spark.sql.catalyst.analysis.ResolvedTable;
import org.apache.spark.sql.catalyst.catalog.CatalogTable;
import org.apache.spark.sql.catalyst.catalog.HiveTableRelation;
import org.apache.spark.sql.catalyst.plans.logical.LogicalPlan;
import org.apache.spark.sql.catalyst.plans.logical.SubqueryAlias;
import org.apache.spark.sql.catalyst.streaming.StreamingRelationV2;
import org.apache.spark.sql.connector.catalog.Identifier;
import org.apache.spark.sql.delta.DeltaLog;
import org.apache.spark.sql.delta.DeltaLogFileIndex;
import org.apache.spark.sql.delta.catalog.DeltaTableV2;
import org.apache.spark.sql.delta.sources.DeltaSink;
import org.apache.spark.sql.execution.datasources.DataSource;
import org.apache.spark.sql.execution.datasources.HadoopFsRelation;
import org.apache.spark.sql.execution.datasources.LogicalRelation;
import org.apache.spark.sql.execution.datasources.v2.DataSourceV2Relation;
import org.apache.spark.sql.execution.streaming.StreamingRelation;
import scala.Option;
import scala.Product;
import scala.jdk.javaapi.CollectionConverters;

/** Finds the table, schema or path that a node of a plan is about; a path inside the warehouse is its table. */
record Targets(Grants grants) {
    private static final String SESSION_CATALOG = "spark_catalog";
    private static final List<String> ACCESSORS = List.of("target", "targetTable", "table", "sourceTable", "name",
            "outputPath", "child", "relation");

    /** Whether a leaf of a plan reads something that has grants. */
    boolean isRelation(LogicalPlan plan) {
        return plan instanceof LogicalRelation || plan instanceof DataSourceV2Relation || plan instanceof ResolvedTable
                || plan instanceof HiveTableRelation || plan instanceof StreamingRelation
                || plan instanceof StreamingRelationV2 || plan.getClass().getSimpleName().contains("PathBased");
    }

    /** What a command is about, by the names that Spark's and Delta's commands give it; else its first part that is. */
    static Object accessed(Object command) {
        for (String name : ACCESSORS) {
            Object found = call(command, name);
            if (found != null && !(found instanceof String)) {
                return found;
            }
        }
        return command;
    }

    Target of(Object node) {
        if (node instanceof SubqueryAlias alias) {
            return of(alias.child());
        }
        if (node instanceof Option<?> option) {
            return option.isDefined() ? of(option.get()) : unknown(node);
        }
        if (node instanceof ResolvedIdentifier found) {
            return named(found.catalog().name(), found.identifier());
        }
        if (node instanceof ResolvedTable found) {
            return found.table() instanceof DeltaTableV2 ? of(found.table()) : named(found.catalog().name(), found.identifier());
        }
        if (node instanceof ResolvedNamespace found) {
            return schema(found.catalog().name(), CollectionConverters.asJava(found.namespace()));
        }
        if (node instanceof TableIdentifier found) {
            return identified(found);
        }
        if (node instanceof CatalogTable found) {
            return identified(found.identifier());
        }
        if (node instanceof DataSourceV2Relation found) {
            if (found.table() instanceof DeltaTableV2) {
                return of(found.table());
            }
            return found.catalog().isDefined() && found.identifier().isDefined()
                    ? named(found.catalog().get().name(), found.identifier().get()) : unknown(found);
        }
        return stored(node);
    }

    /** What is known by where its files are. */
    private Target stored(Object node) {
        if (node instanceof DeltaTableV2 found) {
            return path(found.path());
        }
        if (node instanceof DeltaLog found) {
            return path(found.dataPath());
        }
        if (node instanceof DeltaSink found) {
            return path(found.path());
        }
        if (node instanceof Path found) {
            return path(found);
        }
        if (node instanceof LogicalRelation found) {
            return relation(found);
        }
        if (node instanceof StreamingRelation found) {
            return of(found.dataSource());
        }
        if (node instanceof DataSource found) {
            return found.catalogTable().isDefined() ? of(found.catalogTable()) : option(found.options());
        }
        if (node instanceof HiveTableRelation found) {
            return of(found.tableMeta());
        }
        if (call(node, "path") instanceof String found) {
            return path(new Path(found));
        }
        if (call(node, "options") instanceof scala.collection.immutable.Map<?, ?> found) {
            return option(found);
        }
        return unknown(node);
    }

    private Target relation(LogicalRelation node) {
        if (node.relation() instanceof HadoopFsRelation files) {
            // Delta's own log, read while it resolves a table that is checked by itself.
            if (files.location() instanceof DeltaLogFileIndex) {
                return Target.other(null, null);
            }
            List<Path> roots = CollectionConverters.asJava(files.location().rootPaths());
            return roots.size() == 1 ? path(roots.get(0)) : several(roots);
        }
        if (node.catalogTable().isDefined()) {
            return of(node.catalogTable());
        }
        if (node.relation() instanceof Product parts) {
            for (Object part : CollectionConverters.asJava(parts.productIterator().toSeq())) {
                if (part instanceof DeltaLog || part instanceof DeltaTableV2 || part instanceof CatalogTable) {
                    return of(part);
                }
            }
        }
        return unknown(node.relation());
    }

    /** Several paths of one read: one table or volume, or any file. */
    private Target several(List<Path> roots) {
        List<Target> found = roots.stream().map(this::path).distinct().toList();
        return found.size() == 1 ? found.get(0)
                : Target.other(new Need("SELECT", Need.ANY_FILE, roots.toString()), new Need("MODIFY", Need.ANY_FILE, roots.toString()));
    }

    private Target path(Path path) {
        URI uri = path.toUri();
        String local = uri.getScheme() == null || uri.getScheme().equals("file") ? uri.getPath() : path.toString();
        Need read = grants.at(local, "SELECT", "READ_VOLUME");
        if (!read.type().equals("Table")) {
            return Target.other(read, grants.at(local, "MODIFY", "WRITE_VOLUME"));
        }
        String[] parts = read.name().split("\\.", 3);
        return table(parts[0], parts[1], parts[2]);
    }

    Target path(String path) {
        return path(new Path(path));
    }

    /** What it needs to keep the state of a stream at a path; nothing in Spark's own scratch, where nobody named one. */
    List<Need> checkpoint(String where) {
        String scratch = System.getProperty("java.io.tmpdir");
        return new Path(where).toUri().getPath().startsWith(scratch + "/") ? List.of() : path(where).writes();
    }

    private Target option(scala.collection.immutable.Map<?, ?> options) {
        for (var entry : CollectionConverters.asJava(options).entrySet()) {
            if (entry.getKey().toString().equalsIgnoreCase("path")) {
                return path(entry.getValue().toString());
            }
        }
        return unknown(options.keySet());
    }

    private Target named(String catalog, Identifier identifier) {
        if (identifier.namespace().length == 1 && identifier.name().startsWith("/")) {
            return path(identifier.name());
        }
        String[] names = identifier.namespace();
        if (!catalog.equals(SESSION_CATALOG) || names.length == 0 || names.length > 2) {
            return elsewhere(catalog);
        }
        return names.length == 1 ? table(grants.catalog(), names[0], identifier.name())
                : table(names[0], names[1], identifier.name());
    }

    /** A schema of Spark's own catalog, which calls that of another workspace `catalog.schema`. */
    private Target schema(String catalog, List<String> names) {
        if (!catalog.equals(SESSION_CATALOG) || names.isEmpty() || names.size() > 2) {
            return elsewhere(catalog);
        }
        String whose = names.size() == 1 ? grants.catalog() : names.get(0);
        Target found = Target.schema(whose, names.get(names.size() - 1));
        return whose.equals(grants.catalog()) ? found : grants.binds(whose) ? found.readOnly() : elsewhere(whose);
    }

    private Target table(String catalog, String schema, String name) {
        Target found = Target.table(catalog, schema, name);
        return catalog.equals(grants.catalog()) ? found : grants.binds(catalog) ? found.readOnly() : elsewhere(catalog);
    }

    private Target identified(TableIdentifier found) {
        String catalog = found.catalog().isDefined() ? found.catalog().get() : SESSION_CATALOG;
        return catalog.equals(SESSION_CATALOG) && found.database().isDefined()
                ? table(grants.catalog(), found.database().get(), found.table()) : unknown(found);
    }

    private static Target elsewhere(String catalog) {
        return Target.other(Need.elsewhere(catalog), Need.elsewhere(catalog));
    }

    private static Target unknown(Object node) {
        String kind = node.getClass().getSimpleName();
        return Target.other(new Need("SELECT", Need.ANY_FILE, kind), new Need("MODIFY", Need.ANY_FILE, kind));
    }

    /** The location that a table's specification or a command states. */
    static Optional<String> location(Object specification) {
        Object found = call(specification, "location");
        if (found == null && call(specification, "properties") instanceof scala.collection.immutable.Map<?, ?> all) {
            found = CollectionConverters.asJava(all).get("location");
        }
        return Optional.ofNullable(found instanceof Option<?> option ? option.getOrElse(() -> null) : found)
                .map(Object::toString);
    }

    static Object call(Object object, String method) {
        try {
            Method found = object.getClass().getMethod(method);
            return found.invoke(object);
        } catch (ReflectiveOperationException | RuntimeException none) {
            return null;
        }
    }
}
