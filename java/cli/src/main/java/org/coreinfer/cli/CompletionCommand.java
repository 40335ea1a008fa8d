package org.coreinfer.cli;

import java.util.concurrent.Callable;
import picocli.AutoComplete;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Spec;

/** Prints what makes a shell complete this command. */
@Command(
    name = "completion",
    description = "Print a script that lets bash or zsh complete commands and options.",
    footerHeading = "%nExamples:%n",
    footer = {
      "  source <(coreinfer completion)                       in this shell, bash or zsh",
      "  coreinfer completion > ~/.local/share/bash-completion/completions/coreinfer",
      "  echo 'source <(coreinfer completion)' >> ~/.zshrc"
    })
final class CompletionCommand implements Callable<Integer> {
  private final Streams streams;

  @Spec
  @SuppressWarnings("NullAway.Init")
  private CommandSpec spec;

  CompletionCommand(Streams streams) {
    this.streams = streams;
  }

  @Override
  public Integer call() {
    CommandSpec top = spec.root();
    streams.print(AutoComplete.bash(top.name(), top.commandLine()) + "\n");
    return 0;
  }
}
