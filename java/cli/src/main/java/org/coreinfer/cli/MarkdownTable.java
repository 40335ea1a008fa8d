package org.coreinfer.cli;

import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;

/** Rows of cells as a Markdown table, or separated by commas. */
public final class MarkdownTable {
  private final List<String> heads;
  private final List<List<String>> rows = new ArrayList<>();

  public MarkdownTable(List<String> heads) {
    this.heads = List.copyOf(heads);
  }

  /** Adds a row of as many cells as there are heads. */
  public void row(List<String> cells) {
    if (cells.size() != heads.size()) {
      throw new IllegalArgumentException(cells.size() + " cells for " + heads.size() + " columns");
    }
    rows.add(List.copyOf(cells));
  }

  /** The rows as RFC 4180 has them. */
  public String csv() {
    StringBuilder text = new StringBuilder(String.join(",", heads)).append('\n');
    for (List<String> row : rows) {
      text.append(row.stream().map(MarkdownTable::quoted).collect(Collectors.joining(",")))
          .append('\n');
    }
    return text.toString();
  }

  private static String quoted(String cell) {
    return cell.matches("[^\",\r\n]*") ? cell : '"' + cell.replace("\"", "\"\"") + '"';
  }

  @Override
  public String toString() {
    StringBuilder text = new StringBuilder(line(heads));
    text.append(line(heads.stream().map(head -> "---").toList()));
    rows.forEach(row -> text.append(line(row)));
    return text.toString();
  }

  private static String line(List<String> cells) {
    return "| "
        + cells.stream().map(cell -> cell.replace("|", "\\|")).collect(Collectors.joining(" | "))
        + " |\n";
  }
}
