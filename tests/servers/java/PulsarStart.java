import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.apache.pulsar.PulsarStandaloneStarter;
import org.apache.pulsar.metadata.api.MetadataStore;
import org.apache.pulsar.metadata.api.MetadataStoreConfig;
import org.apache.pulsar.metadata.api.MetadataStoreFactory;

/** Starts Pulsar on the metadata a killed Pulsar left: arguments are the folder of the metadata, then Pulsar's own. */
public final class PulsarStart {
    private static final List<String> HOLDERS_OF_LOCKS = List.of("/ledgers/available", "/loadbalance", "/namespace");

    public static void main(String[] arguments) throws Exception {
        var metadata = Path.of(arguments[0]).toAbsolutePath();
        if (Files.exists(metadata)) {
            dropStaleLocks(metadata);
        }
        PulsarStandaloneStarter.main(List.of(arguments).subList(1, arguments.length).toArray(String[]::new));
    }

    /**
     * A killed Pulsar leaves its locks behind. The store removes a lock of an earlier process when somebody reads it;
     * Pulsar itself, when it does so while it starts, fights with what it reads and may never come up.
     */
    private static void dropStaleLocks(Path metadata) throws Exception {
        var configuration = MetadataStoreConfig.builder().build();
        try (var store = MetadataStoreFactory.create("rocksdb://" + metadata, configuration)) {
            for (var root : HOLDERS_OF_LOCKS) {
                readAll(store, root);
            }
            // The removals are written in the background, and closing the store does not wait for them.
            Thread.sleep(300);
        }
    }

    private static void readAll(MetadataStore store, String path) throws Exception {
        for (var child : store.getChildren(path).get()) {
            readAll(store, path + "/" + child);
        }
        store.exists(path).get();
        store.get(path).get();
    }
}
