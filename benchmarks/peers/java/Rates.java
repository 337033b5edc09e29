import io.serverlessworkflow.api.WorkflowReader;
import io.serverlessworkflow.api.types.Workflow;
import io.serverlessworkflow.impl.WorkflowApplication;
import io.serverlessworkflow.impl.WorkflowDefinition;
import io.serverlessworkflow.impl.persistence.DefaultPersistenceInstanceHandlers;
import io.serverlessworkflow.impl.persistence.PersistenceApplicationBuilder;
import io.serverlessworkflow.impl.persistence.PersistenceInstanceHandlers;
import io.serverlessworkflow.impl.persistence.mvstore.MVStorePersistenceStore;
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.ThreadPoolExecutor;

/**
 * Runs a workflow for a while in the Java reference runtime, once for each line read:
 * file, store, concurrency and seconds, separated by tabs; the store is "memory" or the path of an MVStore file.
 * Answers with the number of instances that ended and the seconds they took.
 */
public class Rates {
  private static final Map<String, Started> STARTED = new HashMap<>();

  /** A workflow in an application that stays up, as a server's would; it has writers if it has a store. */
  private record Started(WorkflowDefinition definition, ThreadPoolExecutor writers) {}

  public static void main(String[] arguments) throws Exception {
    BufferedReader questions = new BufferedReader(new InputStreamReader(System.in));
    for (String line = questions.readLine(); line != null; line = questions.readLine()) {
      String[] words = line.split("\t");
      String key = words[0] + "\t" + words[1];
      if (!STARTED.containsKey(key)) {
        STARTED.put(key, start(Path.of(words[0]), words[1]));
      }
      Started started = STARTED.get(key);
      long began = System.nanoTime();
      long ended = run(started.definition(), Integer.parseInt(words[2]), Double.parseDouble(words[3]));
      // The writer of a store runs behind the workflows: with none of its threads at work, all is written.
      while (started.writers() != null && started.writers().getActiveCount() > 0) {
        Thread.sleep(1);
      }
      System.out.println(ended + "\t" + (System.nanoTime() - began) / 1e9);
    }
    System.exit(0);
  }

  private static Started start(Path file, String store) throws Exception {
    Workflow workflow = WorkflowReader.readWorkflow(file);
    if (store.equals("memory")) {
      return new Started(WorkflowApplication.builder().build().workflowDefinition(workflow), null);
    }
    PersistenceInstanceHandlers handlers =
        DefaultPersistenceInstanceHandlers.from(new MVStorePersistenceStore(store));
    WorkflowApplication application =
        PersistenceApplicationBuilder.builder(WorkflowApplication.builder(), handlers.writer()).build();
    return new Started(
        application.workflowDefinition(workflow), (ThreadPoolExecutor) application.executorService());
  }

  private static long run(WorkflowDefinition definition, int concurrency, double seconds) throws Exception {
    long deadline = System.nanoTime() + (long) (seconds * 1e9);
    ExecutorService clients = Executors.newFixedThreadPool(concurrency);
    List<Future<Long>> counts = new ArrayList<>();
    for (int client = 0; client < concurrency; client++) {
      counts.add(clients.submit(() -> runOne(definition, deadline)));
    }
    long ended = 0;
    for (Future<Long> count : counts) {
      ended += count.get();
    }
    clients.shutdown();
    return ended;
  }

  private static long runOne(WorkflowDefinition definition, long deadline) {
    long ended = 0;
    while (System.nanoTime() < deadline) {
      definition.instance(Map.of("n", 0)).start().join();
      ended++;
    }
    return ended;
  }
}
