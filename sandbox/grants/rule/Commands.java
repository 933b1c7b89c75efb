package sandbox.grants;

import java.util.HashMap;
import java.util.Map;

/** What Spark's and Delta's commands need of what they are about; one that is not listed is refused. */
enum Commands {
    /** Nothing: settings, lists, what exists in the session only. What it reads is checked all the same. */
    FREE("SetCommand ResetCommand SetCatalogAndNamespace SetNamespaceCommand SetCatalogCommand ShowTables ShowNamespaces "
            + "ShowViews ShowFunctions DescribeFunction DescribeFunctionCommand ShowFunctionsCommand ShowCatalogsCommand "
            + "ShowCurrentNamespaceCommand ShowTablesCommand ShowViewsCommand CreateTempView DropTempViewCommand "
            + "CacheTable CacheTableAsSelect UncacheTable ClearCacheCommand RefreshTable ExplainCommand NoopCommand "
            + "StreamingExplainCommand CreateVariable SetVariable DropVariable DropTempView DescribeQueryCommand"),
    /** SELECT on a table, the use of a schema. */
    READ("DescribeRelation DescribeColumn DescribeTableCommand DescribeColumnCommand DescribeNamespace ShowColumns "
            + "ShowTableProperties ShowCreateTable ShowPartitions ShowTablesExtended DescribeDeltaHistory "
            + "DescribeDeltaHistoryCommand DescribeDeltaDetailCommand ShowDeltaTableColumnsCommand ShowColumnsCommand "
            + "DescribeRelationJsonCommand"),
    /** SELECT and MODIFY. */
    WRITE("AppendData OverwriteByExpression OverwritePartitionsDynamic InsertIntoStatement InsertIntoDataSourceCommand "
            + "DeltaDynamicPartitionOverwriteCommand InsertIntoHadoopFsRelationCommand SaveIntoDataSourceCommand "
            + "DeleteFromTable DeltaDelete DeleteCommand UpdateTable DeltaUpdateTable UpdateCommand MergeIntoTable "
            + "DeltaMergeInto MergeIntoCommand OptimizeTableCommand VacuumTableCommand VacuumCommand DeltaReorgTable "
            + "DeltaReorgTableCommand RestoreTableStatement RestoreTableCommand TruncateTable AnalyzeTable AnalyzeColumn "
            + "AddColumns DropColumns RenameColumn ReplaceColumns AlterColumns SetTableProperties UnsetTableProperties "
            + "AlterTableAddColumnsDeltaCommand AlterTableDropColumnsDeltaCommand AlterTableChangeColumnDeltaCommand "
            + "AlterTableReplaceColumnsDeltaCommand AlterTableSetPropertiesDeltaCommand CommentOnTable "
            + "AlterTableUnsetPropertiesDeltaCommand AlterTableAddConstraint AlterTableDropConstraint "
            + "AlterTableAddConstraintDeltaCommand AlterTableDropConstraintDeltaCommand AlterTableClusterBy"),
    /** CREATE TABLE on the schema; of one that is replaced, SELECT and MODIFY. */
    CREATE("CreateTable CreateTableAsSelect ReplaceTable ReplaceTableAsSelect CreateTableCommand CreateTableLikeCommand "
            + "CreateDataSourceTableCommand CreateDataSourceTableAsSelectCommand"),
    /** The owner, or MANAGE. */
    MANAGE("DropTable DropTableCommand DropView DropNamespace SetNamespaceProperties SetNamespaceLocation "
            + "UnsetNamespacePropertiesCommand CommentOnNamespace SetTableLocation AlterTableSetLocationDeltaCommand"),
    /** CREATE SCHEMA on the catalog. */
    CREATE_SCHEMA("CreateNamespace"),
    UNKNOWN("");

    private static final Map<String, Commands> BY_NAME = new HashMap<>();
    private final String[] names;

    static {
        for (Commands each : values()) {
            for (String name : each.names) {
                BY_NAME.put(name, each);
            }
        }
    }

    Commands(String names) {
        this.names = names.split(" ");
    }

    static Commands named(String command) {
        return BY_NAME.getOrDefault(command.replace("$", ""), UNKNOWN);
    }
}
