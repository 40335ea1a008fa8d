package org.coreinfer.generation;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.util.HexFormat;
import org.coreinfer.core.Calibration;
import org.coreinfer.core.CoreOptions;
import org.coreinfer.error.SessionFormatException;
import org.coreinfer.model.Decoder;
import org.coreinfer.model.DecoderState;
import org.coreinfer.model.StateReader;
import org.coreinfer.model.StateWriter;

/**
 * A sequence's file. It is little-endian: magic, version, the model's fingerprint, the options, the
 * accepted token, scores, core neurons, keys and values, CRC-32C.
 */
final class SequenceFile {
  private static final int VERSION = 1;
  private static final long MAGIC = 0x4e53455345524f43L; // "CORESESN"
  private static final int LONGEST_OPTIONS = 4096;

  private final Decoder decoder;
  private final CoreOptions options;
  private final CoreDecoding decoding;
  private final DecoderState state;

  /** The parts of the sequence that is saved, or loaded. */
  SequenceFile(Decoder decoder, CoreOptions options, CoreDecoding decoding, DecoderState state) {
    this.decoder = decoder;
    this.options = options;
    this.decoding = decoding;
    this.state = state;
  }

  /**
   * Writes the sequence.
   *
   * @param fingerprint of the model's weights
   * @param pending the accepted token, or {@link Sequence#NONE}
   */
  void save(byte[] fingerprint, int pending, OutputStream out) throws IOException {
    StateWriter writer = new StateWriter(out);
    writer.put(MAGIC);
    writer.put(VERSION);
    writer.put(HexFormat.of().formatHex(fingerprint));
    writer.put(describe(options));
    writer.put(pending);
    decoding.save(writer);
    state.save(writer);
    writer.finish();
  }

  /**
   * Reads the sequence, which must be emptied if this fails.
   *
   * @param name of the file, for messages
   * @return the accepted token, or {@link Sequence#NONE}
   * @throws SessionFormatException if the file is broken, or of another model, other options or
   *     another version
   */
  int load(byte[] fingerprint, InputStream in, String name) throws IOException {
    StateReader reader = new StateReader(in, name);
    if (reader.getLong() != MAGIC) {
      throw reader.wrong("is no saved session");
    }
    int version = reader.getInt();
    if (version != VERSION) {
      throw reader.wrong("is of version %d, this build reads %d".formatted(version, VERSION));
    }
    if (!reader.getText("the fingerprint", 64).equals(HexFormat.of().formatHex(fingerprint))) {
      throw reader.wrong("was saved with another model");
    }
    String saved = reader.getText("the options", LONGEST_OPTIONS);
    if (!saved.equals(describe(options))) {
      throw reader.wrong("was saved with %s, this is %s".formatted(saved, describe(options)));
    }
    int accepted =
        reader.getInt("the accepted token", Sequence.NONE, decoder.config().vocabulary() - 1);
    decoding.load(reader);
    state.load(reader);
    reader.finish();
    return accepted;
  }

  private static String describe(CoreOptions options) {
    Calibration calibration = options.calibration();
    return "method=%s rule=%s alpha=%s keep=%s layers=%s upkeep=%s calibration=%s"
        .formatted(
            options.method(),
            options.rule(),
            options.alpha(),
            options.keep(),
            options.layers(),
            options.upkeep(),
            calibration == null ? "none" : calibration.source());
  }
}
