package sandbox.grants;

import org.apache.spark.sql.SparkSession;
import org.apache.spark.sql.SparkSessionExtensions;
import org.apache.spark.sql.catalyst.plans.logical.LogicalPlan;
import org.apache.spark.sql.connect.service.SessionKey;
import org.apache.spark.sql.execution.CommandExecutionMode$;
import org.apache.spark.sql.execution.command.DescribeQueryCommand;
import org.apache.spark.sql.execution.command.ExplainCommand;
import scala.Function1;
import scala.runtime.AbstractFunction1;
import scala.runtime.BoxedUnit;

/** Checks every analysed plan of a Spark Connect session against the grants of the session's user. */
public final class GrantsExtension extends AbstractFunction1<SparkSessionExtensions, BoxedUnit> {
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

    /** The check of one session. */
    private static final class Rule extends AbstractFunction1<LogicalPlan, BoxedUnit> {
        private final SparkSession session;
        private final Caller caller;

        Rule(SparkSession session) {
            this.session = session;
            this.caller = new Caller(session);
        }

        @Override
        public BoxedUnit apply(LogicalPlan plan) {
            // What a checked command does inside (Delta reads its own files, for example) was checked with the command.
            if (session.sparkContext().getLocalProperty("spark.sql.execution.id") == null) {
                Checks all = Checks.of(session.sparkContext());
                SessionKey who = caller.who();
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
    }
}
