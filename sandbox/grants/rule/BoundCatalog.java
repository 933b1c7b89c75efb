package sandbox.grants;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import org.apache.spark.sql.catalyst.analysis.NoSuchTableException;
import org.apache.spark.sql.connect.service.SessionKey;
import org.apache.spark.sql.connector.catalog.Identifier;
import org.apache.spark.sql.connector.catalog.Table;
import org.apache.spark.sql.delta.catalog.DeltaCatalog;
import org.apache.spark.sql.delta.catalog.DeltaTableV2;
import org.apache.spark.unsafe.Platform;
import scala.Option;
import scala.collection.immutable.Map$;

/**
 * Spark's own catalog, which also finds the tables of catalogs that other workspaces bound to this one.
 *
 * A name whose first part is no catalog of Spark's arrives here whole. So a catalog that is deployed or bound later is
 * found without being registered, which Spark does at the start of a session. Who may read is checked with the plan.
 */
public final class BoundCatalog extends DeltaCatalog {
    private Caller caller;

    @Override
    public Table loadTable(Identifier identifier) {
        return isElsewhere(identifier) ? bound(identifier) : super.loadTable(identifier);
    }

    @Override
    public boolean tableExists(Identifier identifier) {
        return isElsewhere(identifier) ? Files.isDirectory(log(identifier)) : super.tableExists(identifier);
    }

    private boolean isElsewhere(Identifier identifier) {
        return identifier.namespace().length == 2 && !lower(identifier.namespace()[0]).equals(checks().grants().catalog());
    }

    private Table bound(Identifier identifier) {
        Path log = log(identifier);
        if (!Files.isDirectory(log)) {
            // Scala's catalog, which this one extends, declares no exceptions and throws this one all the same.
            Platform.throwException(new NoSuchTableException(identifier));
        }
        var path = new org.apache.hadoop.fs.Path(log.getParent().toUri());
        return new DeltaTableV2(spark(), path, Option.empty(), Option.apply(identifier.toString()), Option.empty(),
                Map$.MODULE$.empty());
    }

    /** The table's log; a catalog that is not bound here has none for anybody. */
    private Path log(Identifier identifier) {
        String catalog = lower(identifier.namespace()[0]);
        if (!checks().grants().binds(catalog)) {
            SessionKey who = caller().who();
            checks().demand(who.userId(), who.sessionId(), List.of(Need.elsewhere(catalog)));
        }
        return checks().grants().bound(catalog, lower(identifier.namespace()[1]), lower(identifier.name()))
                .resolve("_delta_log");
    }

    private Checks checks() {
        return Checks.of(spark().sparkContext());
    }

    private synchronized Caller caller() {
        if (caller == null) {
            caller = new Caller(spark());
        }
        return caller;
    }

    /** Names are kept in lower case, as Spark's own catalog keeps them. */
    private static String lower(String name) {
        return name.toLowerCase(Locale.ROOT);
    }
}
