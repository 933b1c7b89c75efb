package sandbox.grants;

import org.apache.spark.sql.SparkSession;
import org.apache.spark.sql.connect.service.SessionHolder;
import org.apache.spark.sql.connect.service.SessionHolderInfo;
import org.apache.spark.sql.connect.service.SessionKey;
import org.apache.spark.sql.connect.service.SparkConnectService$;
import org.apache.spark.sql.connect.service.SparkConnectSessionManager;
import scala.Option;
import scala.jdk.javaapi.CollectionConverters;

/** Whose Spark Connect session a session of Spark is; that is looked up once. */
final class Caller {
    private final SparkSession session;
    private SessionKey key;

    Caller(SparkSession session) {
        this.session = session;
    }

    synchronized SessionKey who() {
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
