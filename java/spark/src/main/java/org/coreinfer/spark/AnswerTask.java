package org.coreinfer.spark;

import java.util.Collections;
import java.util.Iterator;
import org.apache.spark.TaskContext;
import org.apache.spark.api.java.function.MapPartitionsFunction;
import org.apache.spark.sql.Row;
import org.apache.spark.util.TaskCompletionListener;

/**
 * Answers the rows of a partition.
 *
 * @param prompt the prompt's column
 * @param key the column of the key's hash, the last one
 */
record AnswerTask(ExecutorModel model, SentFiles sent, BatchOptions options, int prompt, int key)
    implements MapPartitionsFunction<Row, Row> {
  @Override
  public Iterator<Row> call(Iterator<Row> rows) {
    if (!rows.hasNext()) {
      return Collections.emptyIterator(); // for which no model is loaded
    }
    TaskContext task = TaskContext.get();
    Engines.Lease lease = Engines.lease(model, TaskDevice.of(model.device()), sent);
    AnsweringIterator answers;
    try {
      answers = new AnsweringIterator(rows, prompt, key, options, lease, task::isInterrupted);
    } catch (RuntimeException e) {
      lease.close();
      throw e;
    }
    // Rows that nobody asks for any more, as after a limit, must not be computed on.
    TaskCompletionListener end = context -> answers.close();
    task.addTaskCompletionListener(end);
    return answers;
  }
}
