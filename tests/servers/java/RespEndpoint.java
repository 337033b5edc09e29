import org.infinispan.commons.dataconversion.MediaType;
import org.infinispan.configuration.cache.ConfigurationBuilder;
import org.infinispan.configuration.global.GlobalConfigurationBuilder;
import org.infinispan.manager.DefaultCacheManager;
import org.infinispan.multimap.impl.PersistenceContextInitializerImpl;
import org.infinispan.server.resp.RespServer;
import org.infinispan.server.resp.configuration.RespServerConfigurationBuilder;
import org.infinispan.transaction.LockingMode;
import org.infinispan.transaction.TransactionMode;

/** Serves one local Infinispan cache to Redis clients: arguments are the port and the folder of the data. */
public final class RespEndpoint {
    private static final String CACHE = "flowrt";

    public static void main(String[] arguments) throws Exception {
        var manager = new DefaultCacheManager(global().build());
        manager.defineConfiguration(CACHE, cache(arguments[1]).build());
        var endpoint = new RespServerConfigurationBuilder();
        endpoint.host("127.0.0.1").port(Integer.parseInt(arguments[0])).defaultCacheName(CACHE);
        new RespServer().start(endpoint.build(), manager);
        Runtime.getRuntime().addShutdownHook(new Thread(manager::stop));
        Thread.currentThread().join();
    }

    private static GlobalConfigurationBuilder global() {
        var global = new GlobalConfigurationBuilder();
        global.cacheManagerName("flowrt");
        // Sets, lists, hashes and sorted sets are multimap entries, which have a marshaller of their own.
        global.serialization().addContextInitializer(new PersistenceContextInitializerImpl());
        return global;
    }

    private static ConfigurationBuilder cache(String folder) {
        var cache = new ConfigurationBuilder();
        cache.encoding().key().mediaType(RespServer.RESP_KEY_MEDIA_TYPE);
        cache.encoding().value().mediaType(MediaType.APPLICATION_OCTET_STREAM);
        // Without transactions another client could see half of a MULTI.
        cache.transaction().transactionMode(TransactionMode.TRANSACTIONAL).lockingMode(LockingMode.PESSIMISTIC);
        var store = cache.persistence().addSoftIndexFileStore();
        store.dataLocation(folder + "/entries").indexLocation(folder + "/index").syncWrites(true);
        return cache;
    }
}
