package sandbox.grants;

import org.apache.spark.SparkThrowable;

/** A refusal, named and worded as Databricks does; Spark's own class of this name takes only Spark's own messages. */
final class SparkSecurityException extends SecurityException implements SparkThrowable {
    private static final long serialVersionUID = 1;

    SparkSecurityException(String message) {
        super(message);
    }

    @Override
    public String getCondition() {
        return "INSUFFICIENT_PERMISSIONS";
    }

    @Override
    @Deprecated
    public String getErrorClass() {
        return getCondition();
    }

    @Override
    public String getSqlState() {
        return "42501";
    }
}
