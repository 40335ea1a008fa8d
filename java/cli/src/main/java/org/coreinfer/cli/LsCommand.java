package org.coreinfer.cli;

import java.util.List;
import java.util.Locale;
import java.util.function.Supplier;
import org.coreinfer.error.CoreInferException;
import org.coreinfer.hub.Hub;
import org.coreinfer.hub.HubException;
import org.coreinfer.hub.HubSettings;
import org.coreinfer.hub.ModelStore.StoredModel;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** Lists the models that were pulled. */
@Command(
    name = "ls",
    description = "List the models that were pulled.",
    footerHeading = "%nExamples:%n",
    footer = {"  coreinfer ls", "  coreinfer ls --json"})
final class LsCommand implements Runnable {
  private final Streams streams;
  private final Supplier<HubSettings> settings;

  @Option(names = "--json", description = "Print one JSON object: models, folder and bytes.")
  private boolean isJson;

  private record Row(String name, String path, long bytes) {}

  private record Report(List<Row> models, String folder, long bytes) {}

  LsCommand(Streams streams, Supplier<HubSettings> settings) {
    this.streams = streams;
    this.settings = settings;
  }

  @Override
  public void run() {
    try {
      HubSettings hub = settings.get();
      List<StoredModel> models = new Hub(hub).store().list();
      if (isJson) {
        streams.println(Json.of(report(models, hub)));
      } else if (models.isEmpty()) {
        streams.note("no model was pulled yet; see coreinfer pull --help");
      } else {
        TextTable table = new TextTable("model", "GB");
        for (StoredModel model : models) {
          table.row(model.name(), String.format(Locale.ROOT, "%.2f", model.bytes() / 1e9));
        }
        streams.print(table.toString());
      }
    } catch (HubException e) {
      throw new CoreInferException(String.valueOf(e.getMessage()), e);
    }
  }

  private static Report report(List<StoredModel> models, HubSettings hub) {
    List<Row> rows =
        models.stream()
            .map(model -> new Row(model.name(), model.path().toString(), model.bytes()))
            .toList();
    long bytes = models.stream().mapToLong(StoredModel::bytes).sum();
    return new Report(rows, hub.folder().toString(), bytes);
  }
}
