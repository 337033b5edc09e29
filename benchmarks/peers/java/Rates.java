import io.serverlessworkflow.api.WorkflowReader;
import io.serverlessworkflow.impl.WorkflowApplication;
import io.serverlessworkflow.impl.WorkflowDefinition;
import io.serverlessworkflow.impl.persistence.DefaultPersistenceInstanceHandlers;
import io.serverlessworkflow.impl.persistence.PersistenceApplicationBuilder;
import io.serverlessworkflow.impl.persistence.PersistenceInstanceHandlers;
import io.serverlessworkflow.impl.persistence.mvstore.MVStorePersistenceStore;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.file.Path;
import java.util.ArrayList;
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
  public static void main(String[] arguments) throws Exception {
    BufferedReader questions = new BufferedReader(new InputStreamReader(System.in));
    for (String line = questions.readLine(); line != null; line = questions.readLine()) {
      String[] words = line.split("\t");
      Path file = Path.of(words[0]);
      int concurrency = Integer.parseInt(words[2]);
      double seconds = Double.parseDouble(words[3]);
      System.out.println(
          words[1].equals("memory") ? inMemory(file, concurrency, seconds) : onFile(file, words[1], concurrency, seconds));
    }
  }

  private static String inMemory(Path file, int concurrency, double seconds) throws Exception {
    try (WorkflowApplication application = WorkflowApplication.builder().build()) {
      WorkflowDefinition definition = application.workflowDefinition(WorkflowReader.readWorkflow(file));
      long began = System.nanoTime();
      long ended = run(definition, concurrency, seconds);
      return answer(ended, began);
    }
  }

  private static String onFile(Path file, String store, int concurrency, double seconds) throws Exception {
    try (PersistenceInstanceHandlers handlers =
            DefaultPersistenceInstanceHandlers.from(new MVStorePersistenceStore(store));
        WorkflowApplication application =
            PersistenceApplicationBuilder.builder(WorkflowApplication.builder(), handlers.writer()).build()) {
      WorkflowDefinition definition = application.workflowDefinition(WorkflowReader.readWorkflow(file));
      long began = System.nanoTime();
      long ended = run(definition, concurrency, seconds);
      // Its writer runs behind the workflows, on the application's threads: with none at work, all is written.
      ThreadPoolExecutor writers = (ThreadPoolExecutor) application.executorService();
      while (writers.getActiveCount() > 0) {
        Thread.sleep(1);
      }
      return answer(ended, began);
    }
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

  private static String answer(long ended, long began) throws IOException {
    return ended + "\t" + (System.nanoTime() - began) / 1e9;
  }
}
