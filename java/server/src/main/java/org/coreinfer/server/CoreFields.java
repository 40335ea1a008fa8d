package org.coreinfer.server;

import com.google.gson.JsonElement;
import com.google.gson.JsonPrimitive;
import java.util.Locale;
import org.coreinfer.core.Calibration;
import org.coreinfer.core.CoreOptions;
import org.coreinfer.core.CoreOptions.LayerRange;
import org.coreinfer.core.CoreOptions.Method;
import org.coreinfer.core.CoreOptions.Upkeep;
import org.coreinfer.core.CoreWish;
import org.coreinfer.model.ModelConfig;
import org.jspecify.annotations.Nullable;

/** The object {@code coreinfer} of a request: which neurons its answer computes. */
final class CoreFields {
  static final String NAME = "coreinfer";

  private CoreFields() {}

  /**
   * What to compute: the request's wish where it has one, else the server's.
   *
   * @throws ApiException with the command line's sentence if that cannot be
   */
  static CoreOptions read(
      Fields fields, CoreWish server, @Nullable Calibration calibration, ModelConfig model) {
    CoreWish wish = fields.has(NAME) ? wish(fields.object(NAME)).over(server) : server;
    try {
      CoreOptions options = wish.resolve(calibration, CoreFields::spelled);
      options.requireSuits(model);
      return options;
    } catch (IllegalArgumentException e) {
      throw ApiException.invalid(NAME, String.valueOf(e.getMessage()));
    }
  }

  /** Whether the client wants to know which neurons are core. */
  static boolean tellsNeurons(Fields fields) {
    return fields.has(NAME) && fields.object(NAME).bool("neurons", false);
  }

  private static String spelled(String part) {
    return NAME + "." + part.replace('-', '_');
  }

  private static CoreWish wish(Fields core) {
    return new CoreWish(
        method(core),
        core.string("rule"),
        core.number("alpha"),
        core.number("keep"),
        core.number("max_kl"),
        layers(core),
        refresh(core),
        core.bool("compensate"),
        core.bool("lossless"));
  }

  private static @Nullable Method method(Fields core) {
    String name = core.string("method");
    if (name == null) {
      return null;
    }
    for (Method method : Method.values()) {
      if (method.name().toLowerCase(Locale.ROOT).equals(name)) {
        return method;
      }
    }
    throw ApiException.invalid(
        core.nameOf("method"),
        core.nameOf("method")
            + ": expected auto, similarity, stability or dense, found "
            + PlainText.of(name));
  }

  private static @Nullable LayerRange layers(Fields core) {
    String range = core.string("layers");
    try {
      return range == null ? null : LayerRange.parse(range);
    } catch (IllegalArgumentException e) {
      throw ApiException.invalid(core.nameOf("layers"), NAME + "." + e.getMessage());
    }
  }

  private static @Nullable Integer refresh(Fields core) {
    JsonElement value = core.element("refresh");
    if (value instanceof JsonPrimitive primitive && primitive.isString()) {
      if (primitive.getAsString().equals("auto")) {
        return Upkeep.AUTO;
      }
      throw ApiException.invalid(
          core.nameOf("refresh"),
          core.nameOf("refresh") + ": expected \"auto\", or a number of tokens from 0 on");
    }
    return value == null ? null : core.integer("refresh", 0, Integer.MAX_VALUE, 0);
  }
}
