package org.coreinfer.evaluation.task;

import java.util.List;
import java.util.function.UnaryOperator;
import org.coreinfer.evaluation.metric.Metric;
import org.coreinfer.evaluation.metric.Metrics;
import org.coreinfer.evaluation.metric.Normalization;

/**
 * What is asked, how, and how answers are scored. The prompts follow EleutherAI's
 * lm-evaluation-harness where nothing else is said; an answer ends with its line.
 *
 * @param label as options and JSON name it
 * @param maxTokens the most tokens of an answer, unless others are asked for
 * @param extraction finds the part of a text that is scored, of an answer as of a reference; empty
 *     if there is none
 * @param metrics how answers are scored; the first is what is usually published
 */
public record TaskKind(
    String label,
    PromptTemplate template,
    int maxTokens,
    UnaryOperator<String> extraction,
    List<Metric> metrics) {

  /**
   * Questions from knowledge: TriviaQA, Natural Questions, TruthfulQA. BLEU is that of all answers
   * together; TruthfulQA's own {@code bleu_max} is a mean over answers.
   */
  public static final TaskKind QUESTION_ANSWERING =
      new TaskKind(
          "qa",
          new PromptTemplate("Question: {input}\nAnswer:", " "),
          32,
          String::strip,
          List.of(
              Metrics.exactMatch(Normalization.TRIVIA_QA),
              Metrics.f1(Normalization.TRIVIA_QA),
              Metrics.bleu(),
              Metrics.rougeL()));

  /** Questions about a given text: SQuAD, without the harness's line for the article's title. */
  public static final TaskKind READING_COMPREHENSION =
      new TaskKind(
          "reading",
          new PromptTemplate("Background: {context}\n\nQuestion: {input}\n\nAnswer:", " "),
          32,
          String::strip,
          List.of(
              Metrics.exactMatch(Normalization.SQUAD),
              Metrics.f1(Normalization.SQUAD),
              Metrics.rougeL()));

  /** Translation: WMT. */
  public static final TaskKind TRANSLATION =
      new TaskKind(
          "translation",
          new PromptTemplate("{from} phrase: {input}\n{into} phrase:", " "),
          256,
          String::strip,
          List.of(Metrics.bleu(), Metrics.rougeL()));

  /** Summaries of one sentence: XSum, with the prompt of Stanford's HELM. */
  public static final TaskKind SUMMARIZATION =
      new TaskKind(
          "summarization",
          new PromptTemplate(
              "###\nArticle: {input}\n\nSummarize the above article in 1 sentence.\n", ""),
          64,
          String::strip,
          List.of(Metrics.rougeL(), Metrics.rouge(1), Metrics.rouge(2), Metrics.bleu()));

  /** A choice of lettered answers, of which the model writes the letter, as MMLU asks it. */
  public static final TaskKind MULTIPLE_CHOICE =
      new TaskKind(
          "choice",
          new PromptTemplate("Question: {input}\nAnswer:", " "),
          8,
          Extraction::letter,
          List.of(Metrics.exactMatch(Normalization.NONE)));

  /** Word problems, reasoned in one line whose last number is the answer: GSM8K. */
  public static final TaskKind ARITHMETIC =
      new TaskKind(
          "arithmetic",
          new PromptTemplate("Question: {input}\nAnswer:", " "),
          256,
          Extraction::lastNumber,
          List.of(Metrics.exactMatch(Normalization.NONE)));

  /** Prompts that are complete as they are. */
  public static final TaskKind COMPLETION =
      new TaskKind(
          "completion",
          new PromptTemplate("{input}", " "),
          64,
          String::strip,
          List.of(
              Metrics.exactMatch(Normalization.SQUAD),
              Metrics.f1(Normalization.SQUAD),
              Metrics.bleu(),
              Metrics.rougeL()));

  private static final List<TaskKind> ALL =
      List.of(
          QUESTION_ANSWERING,
          READING_COMPREHENSION,
          TRANSLATION,
          SUMMARIZATION,
          MULTIPLE_CHOICE,
          ARITHMETIC,
          COMPLETION);

  private static final String STOP = "\n";

  public TaskKind {
    metrics = List.copyOf(metrics);
  }

  /** The kind with this label. */
  public static TaskKind of(String label) {
    return ALL.stream()
        .filter(kind -> kind.label.equals(label))
        .findFirst()
        .orElseThrow(
            () ->
                new IllegalArgumentException(
                    "task kind=" + label + ": expected one of " + String.join(", ", labels())));
  }

  /** The labels of all kinds. */
  public static List<String> labels() {
    return ALL.stream().map(TaskKind::label).toList();
  }

  /** What ends an answer; not part of it. */
  public String stop() {
    return STOP;
  }

  /** The part of a text that is scored. */
  public String extract(String text) {
    return extraction.apply(text);
  }
}
