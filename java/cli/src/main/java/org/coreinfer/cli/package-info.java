/**
 * The {@code coreinfer} command. {@link org.coreinfer.cli.CoreInferCommand} is the start; each
 * subcommand is one class, built of option groups ({@code ...Options}) and the {@link
 * org.coreinfer.cli.Streams} it writes to.
 */
@NullMarked
package org.coreinfer.cli;

import org.jspecify.annotations.NullMarked;
