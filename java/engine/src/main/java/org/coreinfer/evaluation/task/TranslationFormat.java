package org.coreinfer.evaluation.task;

import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.SortedSet;
import java.util.TreeSet;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/** WMT as Hugging Face keeps it: {@code translation} holds a text by language code. */
final class TranslationFormat implements TaskFormat {
  private static final String TRANSLATION = "translation";
  private static final String ENGLISH = "en";

  private final @Nullable String into;

  /**
   * @param into a language code; null for English, or the later code of files without it
   */
  TranslationFormat(@Nullable String into) {
    this.into = into;
  }

  @Override
  public String name() {
    return "WMT";
  }

  @Override
  public boolean isOf(TaskRecord first) {
    return first.isRecord(TRANSLATION);
  }

  @Override
  public TaskKind kind(TaskRecord first) {
    return TaskKind.TRANSLATION;
  }

  @Override
  public void read(TaskRecord record, Consumer<Example> examples) {
    TaskRecord texts = record.record(TRANSLATION);
    SortedSet<String> codes = new TreeSet<>(texts.names());
    if (codes.size() != 2) {
      throw texts.wrong("has " + codes.size() + " languages, expected two");
    }
    String target = target(codes);
    String reference = texts.text(target);
    codes.remove(target);
    String source = codes.first();
    Map<String, String> fields =
        Map.of(
            Example.INPUT, texts.text(source),
            Example.FROM, language(source),
            Example.INTO, language(target));
    examples.accept(Example.of(record, fields, List.of(reference)));
  }

  private String target(SortedSet<String> codes) {
    if (into != null) {
      return into;
    }
    return codes.contains(ENGLISH) ? ENGLISH : codes.last();
  }

  /** The English name of a language, or its code if it has none. */
  private static String language(String code) {
    return Locale.forLanguageTag(code.replace('_', '-')).getDisplayLanguage(Locale.ENGLISH);
  }
}
