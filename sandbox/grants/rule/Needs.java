package sandbox.grants;

import java.util.ArrayList;
import java.util.Collections;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Set;
import org.apache.spark.sql.catalyst.plans.logical.Command;
import org.apache.spark.sql.catalyst.plans.logical.LogicalPlan;
import org.apache.spark.sql.catalyst.plans.logical.TableSpecBase;
import org.apache.spark.sql.catalyst.streaming.WriteToStream;
import org.apache.spark.sql.catalyst.analysis.PersistedView$;
import org.apache.spark.sql.execution.command.CreateViewCommand;
import org.apache.spark.sql.execution.datasources.SaveIntoDataSourceCommand;
import scala.Option;
import scala.Product;
import scala.jdk.javaapi.CollectionConverters;

/** What a plan needs: SELECT on what it reads, and of a command's target what `Commands` says of the command. */
final class Needs {
    private final Grants grants;
    private final Targets targets;
    private final List<Need> needs = new ArrayList<>();
    private final Set<Object> seen = Collections.newSetFromMap(new IdentityHashMap<>());

    Needs(Grants grants) {
        this.grants = grants;
        this.targets = new Targets(grants);
    }

    List<Need> of(LogicalPlan plan) {
        visit(plan);
        return needs;
    }

    private void visit(LogicalPlan plan) {
        if (!seen.add(plan)) {
            return;
        }
        if (plan instanceof WriteToStream stream) {
            write(targets.of(stream.sink()), plan);
            targets.checkpoint(stream.resolvedCheckpointLocation()).forEach(this::add);
        } else if (plan instanceof Command) {
            command(plan);
        } else if (targets.isRelation(plan)) {
            targets.of(plan).reads().forEach(this::add);
        }
        CollectionConverters.asJava(plan.children()).forEach(this::visit);
        CollectionConverters.asJava(plan.subqueries()).forEach(this::visit);
    }

    private void command(LogicalPlan plan) {
        Object about = Targets.accessed(plan);
        Target target = targets.of(about);
        boolean lasting = plan instanceof CreateViewCommand view && view.viewType() instanceof PersistedView$;
        Commands what = plan instanceof CreateViewCommand ? lasting ? Commands.CREATE : Commands.FREE
                : Commands.named(plan.getClass().getSimpleName());
        // The target is no source, also where it is among the command's children.
        if (what != Commands.FREE) {
            seen.add(about);
        }
        Product parts = (Product) plan;
        for (Object part : CollectionConverters.asJava(parts.productIterator().toSeq())) {
            if (part instanceof TableSpecBase) {
                Targets.location(part).ifPresent(path -> targets.path(path).writes().forEach(this::add));
            }
            if (part instanceof LogicalPlan inner) {
                visit(inner);
            }
            if (part instanceof Option<?> option && option.isDefined() && option.get() instanceof LogicalPlan inner) {
                visit(inner);
            }
        }
        if (what == Commands.CREATE_SCHEMA || what == Commands.MANAGE) {
            Targets.location(plan).ifPresent(path -> targets.path(path).writes().forEach(this::add));
        }
        switch (what) {
            case FREE -> { }
            case READ -> target.reads().forEach(this::add);
            case WRITE -> write(target, plan);
            case CREATE -> create(target, plan);
            case MANAGE -> target.manages().forEach(this::add);
            case CREATE_SCHEMA -> target.createsSchema().forEach(this::add);
            case UNKNOWN -> add(new Need(plan.nodeName(), Need.OUTSIDE,
                    "the sandbox does not know what " + plan.nodeName() + " needs, and refuses it"));
        }
    }

    private void write(Target target, LogicalPlan plan) {
        boolean makes = plan instanceof SaveIntoDataSourceCommand || plan instanceof WriteToStream;
        if (makes && target.table() != null && !grants.exists(target.table())) {
            target.creates().forEach(this::add);
        } else {
            target.writes().forEach(this::add);
        }
    }

    private void create(Target target, LogicalPlan plan) {
        boolean replaces = plan.getClass().getSimpleName().startsWith("Replace");
        if (replaces && target.table() != null && grants.exists(target.table())) {
            target.writes().forEach(this::add);
        } else {
            target.creates().forEach(this::add);
        }
    }

    private void add(Need... more) {
        for (Need need : more) {
            if (!needs.contains(need)) {
                needs.add(need);
            }
        }
    }
}
