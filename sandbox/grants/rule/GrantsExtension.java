package sandbox.grants;

import org.apache.spark.SparkContext;
import org.apache.spark.sql.SparkSession;
import org.apache.spark.sql.SparkSessionExtensions;
import org.apache.spark.sql.catalyst.plans.logical.LogicalPlan;
import org.apache.spark.sql.connect.service.SessionHolder;
import org.apache.spark.sql.connect.service.SessionHolderInfo;
import org.apache.spark.sql.connect.service.SessionKey;
import org.apache.spark.sql.connect.service.SparkConnectService$;
import org.apache.spark.sql.connect.service.SparkConnectSessionManager;
import org.apache.spark.sql.execution.CommandExecutionMode$;
import org.apache.spark.sql.execution.command.DescribeQueryCommand;
import org.apache.spark.sql.execution.command.ExplainCommand;
import scala.Function1;
import scala.Option;
import scala.jdk.javaapi.CollectionConverters;
import scala.runtime.AbstractFunction1;
import scala.runtime.BoxedUnit;

/** Checks every analysed plan of a Spark Connect session against the grants of the session's user. */
public final class GrantsExtension extends AbstractFunction1<SparkSessionExtensions, BoxedUnit> {
    private static Checks checks;

    /** One for the server: all sessions share grants, owners and record. */
    private static synchronized Checks checks(SparkContext context) {
        if (checks == null) {
            checks = new Checks(context.conf().get("spark.sandbox.grants"));
        }
        return checks;
    }

    @Override
    public BoxedUnit apply(SparkSessionExtensions extensions) {
        extensions.injectCheckRule(new AbstractFunction1<SparkSession, Function1<LogicalPlan, BoxedUnit>>() {
            @Override
            public Function1<LogicalPlan, BoxedUnit> apply(SparkSession session) {
                return new Rule(session);
            }
        });
        return BoxedUnit.UNIT;
    }

    /** The check of one session; it looks up whose session that is once. */
    private static final class Rule extends AbstractFunction1<LogicalPlan, BoxedUnit> {
        private final SparkSession session;
        private SessionKey key;

        Rule(SparkSession session) {
            this.session = session;
        }

        @Override
        public BoxedUnit apply(LogicalPlan plan) {
            // What a checked command does inside (Delta reads its own files, for example) was checked with the command.
            if (session.sparkContext().getLocalProperty("spark.sql.execution.id") == null) {
                Checks all = checks(session.sparkContext());
                SessionKey who = who();
                all.demand(who.userId(), who.sessionId(), new Needs(all.grants()).of(plan));
                if (plan instanceof ExplainCommand explain) {
                    analysed(explain.logicalPlan());
                }
                if (plan instanceof DescribeQueryCommand described) {
                    analysed(described.plan());
                }
            }
            return BoxedUnit.UNIT;
        }

        /** Checks a query that its command would analyse only when it runs. */
        private void analysed(LogicalPlan query) {
            ((org.apache.spark.sql.classic.SparkSession) session).sessionState()
                    .executePlan(query, CommandExecutionMode$.MODULE$.SKIP()).assertAnalyzed();
        }

        private synchronized SessionKey who() {
            if (key == null) {
                key = found();
            }
            return key == null ? tagged() : key;
        }

        private SessionKey found() {
            SparkConnectSessionManager manager = SparkConnectService$.MODULE$.sessionManager();
            for (SessionHolderInfo info : CollectionConverters.asJava(manager.listActiveSessions())) {
                SessionKey candidate = new SessionKey(info.userId(), info.sessionId());
                Option<SessionHolder> holder = manager.getIsolatedSessionIfPresent(candidate);
                if (holder.isDefined() && holder.get().session() == session) {
                    return candidate;
                }
            }
            return null;
        }

        /** A stream runs in a copy of its session: the tag of the operation that started it says whose it is. */
        private SessionKey tagged() {
            for (String tag : CollectionConverters.asJava(session.sparkContext().getJobTags())) {
                int user = tag.indexOf("_User_");
                int own = tag.indexOf("_Session_", user);
                int operation = tag.indexOf("_Operation_", own);
                if (user >= 0 && own > user && operation > own) {
                    return new SessionKey(tag.substring(user + 6, own), tag.substring(own + 9, operation));
                }
            }
            return new SessionKey("nobody", "");
        }
    }
}
