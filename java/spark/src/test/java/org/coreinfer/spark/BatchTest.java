package org.coreinfer.spark;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Arrays;
import java.util.Collections;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.apache.spark.SparkException;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Encoders;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.RowFactory;
import org.apache.spark.sql.SparkSession;
import org.apache.spark.sql.functions;
import org.apache.spark.sql.types.DataTypes;
import org.apache.spark.sql.types.StructType;
import org.coreinfer.Calibrations;
import org.coreinfer.ComputeDevice;
import org.coreinfer.Model;
import org.coreinfer.Session;
import org.coreinfer.core.CoreOptions;
import org.coreinfer.generation.GenerationRequest;
import org.coreinfer.generation.GenerationResult;
import org.junit.jupiter.api.Test;

class BatchTest {
  private static final ExecutorModel MODEL = Thousand.MODEL;
  private static final BatchOptions SAMPLED = Thousand.OPTIONS;

  private static CoreInferBatch batch(Dataset<Row> rows) {
    return Thousand.batch(rows);
  }

  @Test
  void partitionsDoNotChangeAnswers() {
    SparkSession spark = Sessions.local();
    List<Row> inOne = Thousand.answers(spark);
    assertEquals(1000, inOne.size());
    assertEquals(inOne, Prompts.comparable(batch(Prompts.of(spark, 1000, 2)).generate()));
    assertEquals(inOne, Prompts.comparable(batch(Prompts.of(spark, 1000, 7)).generate()));
    Set<Object> texts = new HashSet<>();
    inOne.forEach(row -> texts.add(row.getAs("text")));
    assertTrue(texts.size() > 300, "draws differ from row to row: " + texts.size());
  }

  @Test
  void answersAreThoseOfASession() {
    List<Row> rows =
        batch(Prompts.of(Sessions.local(), 12, 2)).generate().orderBy("id").collectAsList();
    List<Long> keys =
        Prompts.of(Sessions.local(), 12, 2)
            .orderBy("id")
            .select(functions.xxhash64(functions.col("id")))
            .as(Encoders.LONG())
            .collectAsList();
    try (Model model = Model.embedded().contextLength(128).load()) {
      CoreOptions core = SAMPLED.core().resolve(Calibrations.of(null), part -> part);
      for (int id = 0; id < rows.size(); id++) {
        Row row = rows.get(id);
        try (Session session = model.newSession(core)) {
          GenerationResult expected =
              session.generate(
                  GenerationRequest.of(Prompts.text(id))
                      .maxTokens(SAMPLED.maxTokens())
                      .sampling(SAMPLED.sampling().withSeed(RowKeys.seed(7, keys.get(id))))
                      .build(),
                  token -> {});
          assertEquals(expected.text(), row.getAs("text"));
          assertEquals(expected.tokens(), row.getList(row.fieldIndex("tokens")));
          assertEquals(expected.finishReason().label(), row.getAs("finish_reason"));
          Row computed = row.getStruct(row.fieldIndex("core"));
          assertEquals(
              expected.neuronsPerLayer(),
              computed.getList(computed.fieldIndex("neurons_per_layer")));
          assertEquals("auto", computed.getAs("method"));
          Row timings = row.getStruct(row.fieldIndex("timings"));
          assertEquals(expected.promptTokens().size(), (int) timings.getAs("prompt_tokens"));
          assertNull(row.getAs("error"));
        }
      }
    }
  }

  @Test
  void aRowThatCannotBeAnsweredCarriesItsError() {
    List<Row> rows =
        List.of(
            RowFactory.create(0, "Once upon a time"),
            RowFactory.create(1, "word ".repeat(300)),
            RowFactory.create(2, null),
            RowFactory.create(3, "Once upon a time"));
    Dataset<Row> poisoned = Sessions.local().createDataFrame(rows, Prompts.SCHEMA).coalesce(1);
    List<Row> answers = batch(poisoned).generate().orderBy("id").collectAsList();
    assertEquals(4, answers.size());
    String tooLong = answers.get(1).getAs("error");
    assertTrue(tooLong.contains("the context has only 128"), tooLong);
    assertEquals("the prompt is null", answers.get(2).getAs("error"));
    for (int failed : new int[] {1, 2}) {
      for (String column : new String[] {"text", "tokens", "finish_reason", "timings", "core"}) {
        assertNull(answers.get(failed).getAs(column), column);
      }
    }
    for (int answered : new int[] {0, 3}) {
      assertNull(answers.get(answered).getAs("error"));
      assertFalse(answers.get(answered).<String>getAs("text").isEmpty());
    }
  }

  @Test
  void withoutAKeyEqualRowsAreAnsweredAlike() {
    List<Row> rows = Collections.nCopies(3, RowFactory.create(1, "One day"));
    Dataset<Row> equal = Sessions.local().createDataFrame(rows, Prompts.SCHEMA);
    CoreInferBatch batch =
        CoreInferBatch.on(equal).model(MODEL).prompt("question").options(SAMPLED);
    assertEquals(1, batch.generate().select("text").distinct().count());
    Dataset<Row> numbered = equal.withColumn("n", functions.monotonically_increasing_id());
    long texts =
        CoreInferBatch.on(numbered)
            .model(MODEL)
            .prompt("question")
            .options(SAMPLED)
            .generate()
            .select("text")
            .distinct()
            .count();
    assertEquals(3, texts);
  }

  @Test
  void aLimitEndsWhatIsOnItsWay() {
    Dataset<Row> answers = batch(Prompts.of(Sessions.local(), 200, 1)).generate();
    assertEquals(3, answers.limit(3).collectAsList().size());
    assertEquals(3, answers.limit(3).collectAsList().size());
  }

  @Test
  void chatsAndJsonAreAskedForByOptions() {
    BatchOptions options =
        BatchOptions.builder()
            .maxTokens(60)
            .chat("Be brief.", "chatml")
            .jsonSchema("{\"enum\": [\"yes\", \"no\"]}")
            .build();
    List<Row> answers =
        batch(Prompts.of(Sessions.local(), 3, 1)).options(options).generate().collectAsList();
    for (Row answer : answers) {
      String text = answer.<String>getAs("text").strip();
      assertTrue(Set.of("\"yes\"", "\"no\"").contains(text), text);
      assertEquals("eos", answer.getAs("finish_reason"));
      Row timings = answer.getStruct(answer.fieldIndex("timings"));
      assertTrue((int) timings.getAs("prompt_tokens") > 30, timings.toString());
    }
  }

  @Test
  void aTemplateThatTheModelLacksEndsTheJob() {
    CoreInferBatch batch =
        batch(Prompts.of(Sessions.local(), 3, 1)).options(BatchOptions.builder().chat().build());
    SparkException e = assertThrows(SparkException.class, () -> batch.generate().collectAsList());
    assertTrue(String.valueOf(e.getMessage()).contains("has no chat template"), e.getMessage());
  }

  @Test
  void columnsThatAreMissingOrInTheWayAreNamed() {
    Dataset<Row> rows = Prompts.of(Sessions.local(), 1, 1);
    assertEquals(
        "prompt column 'ask': there is none; the columns are id, question",
        refusal(CoreInferBatch.on(rows).prompt("ask")));
    assertEquals(
        "prompt column 'id': it is of type INT, expected string",
        refusal(CoreInferBatch.on(rows).prompt("id")));
    assertEquals(
        "say with prompt(…) which column holds the prompts", refusal(CoreInferBatch.on(rows)));
    Dataset<Row> named = rows.withColumnRenamed("question", "Text");
    String taken = refusal(CoreInferBatch.on(named).prompt("Text"));
    assertTrue(taken.startsWith("the rows have a column 'text' already"), taken);
    assertEquals(
        List.of(
            "id",
            "Text",
            "a_text",
            "a_tokens",
            "a_finish_reason",
            "a_timings",
            "a_core",
            "a_error"),
        Arrays.asList(CoreInferBatch.on(named).prompt("Text").prefix("a_").generate().columns()));
    StructType withMap =
        Prompts.SCHEMA.add(
            "m", DataTypes.createMapType(DataTypes.StringType, DataTypes.StringType));
    Dataset<Row> maps = Sessions.local().createDataFrame(List.<Row>of(), withMap);
    String unhashable = refusal(CoreInferBatch.on(maps).prompt("question"));
    assertTrue(unhashable.startsWith("the column 'm' is or holds a map"), unhashable);
  }

  private static String refusal(CoreInferBatch batch) {
    return String.valueOf(
        assertThrows(IllegalArgumentException.class, batch::generate).getMessage());
  }

  @Test
  void pathsThatCannotBeMappedAreRefused() {
    assertEquals("/models/m.gguf", ExecutorModel.at("file:/models/m.gguf").name());
    IllegalArgumentException e =
        assertThrows(IllegalArgumentException.class, () -> ExecutorModel.at("s3a://b/m.gguf"));
    assertTrue(String.valueOf(e.getMessage()).contains("SparkContext.addFile"), e.getMessage());
  }

  @Test
  void aTaskComputesOnTheGpuThatItWasGiven() {
    String[] none = {};
    String[] third = {"2"};
    assertEquals(
        new TaskDevice(ComputeDevice.CUDA, 2), TaskDevice.of(ComputeDevice.AUTO, third, false));
    assertEquals(
        new TaskDevice(ComputeDevice.CPU, -1), TaskDevice.of(ComputeDevice.CPU, third, false));
    assertEquals(
        new TaskDevice(ComputeDevice.CPU, -1), TaskDevice.of(ComputeDevice.AUTO, none, false));
    assertEquals(
        new TaskDevice(ComputeDevice.AUTO, -1), TaskDevice.of(ComputeDevice.AUTO, none, true));
    IllegalArgumentException e =
        assertThrows(
            IllegalArgumentException.class,
            () -> TaskDevice.of(ComputeDevice.AUTO, new String[] {"GPU-1f"}, false));
    assertTrue(String.valueOf(e.getMessage()).contains("'GPU-1f'"), e.getMessage());
  }

  @Test
  void keysAndPromptsMayHaveAnyNames() {
    Dataset<Row> rows = Prompts.of(Sessions.local(), 3, 1).toDF("the.id", "a `question`");
    List<Row> named =
        CoreInferBatch.on(rows)
            .model(MODEL)
            .prompt("a `question`")
            .key("the.id")
            .options(SAMPLED)
            .generate()
            .select("text")
            .collectAsList();
    List<Row> usual =
        batch(Prompts.of(Sessions.local(), 3, 1)).generate().select("text").collectAsList();
    assertEquals(usual, named);
  }
}
