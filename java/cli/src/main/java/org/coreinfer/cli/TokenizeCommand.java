package org.coreinfer.cli;

import com.google.gson.JsonPrimitive;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.coreinfer.error.CoreInferException;
import org.coreinfer.text.Tokenizer;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;
import picocli.CommandLine.TypeConversionException;

/** Shows a text as tokens, or tokens as text. */
@Command(
    name = "tokenize",
    description = "Show a text as token ids and pieces, or token ids as text.",
    customSynopsis = {
      "coreinfer tokenize [--json] [MODEL] TEXT",
      "coreinfer tokenize [--json] [MODEL] --decode IDS"
    },
    footerHeading = "%nExamples:%n",
    footer = {
      "  coreinfer tokenize \"Once upon a time\"",
      "  coreinfer tokenize model.gguf \"Once upon a time\" --json",
      "  coreinfer tokenize model.gguf - < text.txt",
      "  coreinfer tokenize --decode 1,403,407,261,378",
      "",
      "The tokens are those that run reads, with the one that starts a text.",
      "Each line is an id and its vocabulary entry."
    })
final class TokenizeCommand implements Runnable {
  private final Streams streams;

  @Spec
  @SuppressWarnings("NullAway.Init")
  private CommandSpec spec;

  @Parameters(
      arity = "0..2",
      paramLabel = "[MODEL] TEXT",
      hideParamSyntax = true,
      description =
          "GGUF file or Hugging Face folder (default: the embedded model), and the text; - reads it"
              + " from stdin.")
  private List<String> words = new ArrayList<>();

  @Option(
      names = "--decode",
      paramLabel = "IDS",
      description = "Token ids with commas or spaces between them; shows their text.")
  private @Nullable String ids;

  @Option(names = "--json", description = "Print one JSON object: tokens and pieces.")
  private boolean isJson;

  TokenizeCommand(Streams streams) {
    this.streams = streams;
  }

  private record Report(List<Integer> tokens, List<String> pieces) {}

  private record DecodeReport(List<Integer> tokens, List<String> pieces, String text) {}

  @Override
  public void run() {
    if (ids != null) {
      decode(ids);
    } else {
      encode();
    }
  }

  private void encode() {
    if (words.isEmpty()) {
      throw Usage.error(spec, "there is no text: give TEXT, - for stdin, or --decode IDS");
    }
    if (words.size() > 2) {
      throw Usage.error(spec, "expected [MODEL] TEXT; put quotes around a text with spaces");
    }
    String given = words.get(words.size() - 1);
    String text = given.equals("-") ? TextInput.ofStream(streams.in()) : given;
    Tokenizer tokenizer = tokenizer(words.size() == 2 ? words.get(0) : null);
    int[] tokens = tokenizer.encode(text, true, false);
    if (isJson) {
      streams.println(Json.of(new Report(list(tokens), pieces(tokenizer, tokens))));
      return;
    }
    StringBuilder lines = new StringBuilder();
    for (int token : tokens) {
      lines.append(token).append('\t').append(quoted(tokenizer.piece(token))).append('\n');
    }
    streams.print(lines.toString());
  }

  private void decode(String list) {
    if (words.size() > 1) {
      throw Usage.error(spec, "--decode takes the place of TEXT: give one or the other");
    }
    int[] tokens = parse(list);
    Tokenizer tokenizer = tokenizer(words.isEmpty() ? null : words.get(0));
    for (int token : tokens) {
      if (token >= tokenizer.vocabularySize()) {
        throw new CoreInferException(
            "token %d is outside of the vocabulary of %d"
                .formatted(token, tokenizer.vocabularySize()));
      }
    }
    String text = tokenizer.decode(tokens);
    if (isJson) {
      streams.println(Json.of(new DecodeReport(list(tokens), pieces(tokenizer, tokens), text)));
    } else {
      streams.print(text.endsWith("\n") ? text : text + "\n");
    }
  }

  private int[] parse(String list) {
    try {
      String[] numbers = list.strip().split("[,\\s]+");
      return Arrays.stream(numbers).mapToInt(Integer::parseUnsignedInt).toArray();
    } catch (NumberFormatException e) {
      throw Usage.error(spec, "--decode '" + list + "': expected token ids such as 1,403,407");
    }
  }

  private Tokenizer tokenizer(@Nullable String model) {
    try {
      Path path = model == null ? null : new ModelPath().convert(model);
      return ModelOptions.builder(spec, path, null).readTokenizer();
    } catch (TypeConversionException e) {
      throw Usage.error(spec, String.valueOf(e.getMessage()));
    }
  }

  private static List<Integer> list(int[] tokens) {
    return Arrays.stream(tokens).boxed().toList();
  }

  private static List<String> pieces(Tokenizer tokenizer, int[] tokens) {
    return Arrays.stream(tokens).mapToObj(tokenizer::piece).toList();
  }

  /** As JSON writes it, so that spaces and control characters can be told apart. */
  private static String quoted(String piece) {
    return Json.of(new JsonPrimitive(piece));
  }
}
