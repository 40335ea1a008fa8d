package org.coreinfer.cli;

import java.nio.file.Path;
import java.util.List;
import org.coreinfer.ComputeDevice;
import org.coreinfer.core.CoreWish;
import org.coreinfer.generation.GenerationRequest;
import org.jspecify.annotations.Nullable;

/**
 * What {@code coreinfer batch} was asked for.
 *
 * @param input file or folder of prompts, in any file system that Spark knows
 * @param output folder of answers
 * @param inputFormat {@code parquet}, {@code jsonl} or {@code csv}
 * @param outputFormat one of the same
 * @param keyColumns that tell rows from each other; none for all columns
 * @param prefix of the new columns' names
 * @param parts pieces in which answers are computed and written; 0 for as many as suit the input
 * @param master of the cluster; null for the one that Spark was started with, or this machine
 * @param model its path on every executor; null for the embedded one
 * @param isSent whether the model is sent from here to the executors
 * @param calibration null for the one beside the model
 * @param threads of an executor; 0 for its cores
 * @param context most tokens of prompt and answer; 0 for the model's own
 * @param slots answers that an executor computes at once
 * @param request how each prompt is answered; its own prompt means nothing
 * @param jsonSchema that answers must satisfy; null for any text
 * @param chat null if prompts are texts that go on
 */
public record BatchJob(
    String input,
    String output,
    String inputFormat,
    String outputFormat,
    String promptColumn,
    List<String> keyColumns,
    String prefix,
    int parts,
    @Nullable String master,
    @Nullable Path model,
    boolean isSent,
    @Nullable Path calibration,
    ComputeDevice device,
    int threads,
    int context,
    int slots,
    GenerationRequest request,
    @Nullable String jsonSchema,
    @Nullable Chat chat,
    CoreWish core) {

  /**
   * Prompts are what a user says.
   *
   * @param system message before it; null for none
   * @param template its name; null for the model's own
   */
  public record Chat(@Nullable String system, @Nullable String template) {}

  /**
   * What became of it.
   *
   * @param rows that have answers or errors now, of this run and of those before
   * @param errors how many of them have errors
   * @param parts pieces of the whole job
   * @param partsBefore how many of them were done before this run
   */
  public record Outcome(String output, long rows, long errors, int parts, int partsBefore) {}

  /** Hears of the progress; may throw to end the job. */
  @FunctionalInterface
  public interface Monitor {
    /** {@code fraction} of the parts is done, in 0..1. */
    void progress(double fraction);
  }
}
