package org.coreinfer.grammar;

import static org.coreinfer.grammar.Expression.sequence;
import static org.coreinfer.grammar.Expression.text;

import com.google.gson.JsonElement;
import com.google.gson.JsonPrimitive;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.coreinfer.grammar.Expression.Call;
import org.coreinfer.grammar.Expression.Choice;
import org.coreinfer.grammar.Expression.Repeat;
import org.coreinfer.grammar.Expression.Rule;
import org.jspecify.annotations.Nullable;

/**
 * The text of objects: properties in the order of their declaration, those that are not required
 * perhaps left out, then further ones where they are asked for.
 */
final class ObjectText {
  private final SchemaCompiler compiler;
  private final List<SchemaPart> own;
  private final Set<String> required = new LinkedHashSet<>();
  private final List<String> names;

  ObjectText(SchemaCompiler compiler, List<SchemaPart> own) {
    this.compiler = compiler;
    this.own = own;
    own.forEach(part -> required.addAll(SchemaKeywords.texts(part, "required")));
    Set<String> declared = new LinkedHashSet<>();
    own.forEach(part -> declared.addAll(SchemaKeywords.schemas(part, "properties").keySet()));
    declared.addAll(required);
    this.names = List.copyOf(declared);
  }

  Expression expression() {
    Expression further = furtherPair();
    return sequence(
        text("{"),
        new Choice(
            List.of(
                sequence(JsonText.BLANK, first(further), JsonText.BLANK, text("}")),
                required.isEmpty() ? sequence(JsonText.BLANK, text("}")) : Expression.NOTHING)));
  }

  /** At least one property, up to all of them. */
  private Expression first(@Nullable Expression further) {
    Expression rest = further == null ? Expression.EMPTY : afterComma(further);
    List<Expression> firsts = new ArrayList<>();
    if (further != null && required.isEmpty()) {
      firsts.add(sequence(further, rest(rest)));
    }
    Expression after = further == null ? Expression.EMPTY : rest(rest);
    for (int i = names.size() - 1; i >= 0; i--) {
      String name = names.get(i);
      Expression pair = pair(JsonText.literal(new JsonPrimitive(name)), property(name));
      boolean isFirstPossible = names.subList(0, i).stream().noneMatch(required::contains);
      if (isFirstPossible) {
        firsts.add(0, sequence(pair, after));
      }
      Expression next = sequence(text(","), JsonText.BLANK, pair, after);
      Expression optional = required.contains(name) ? next : Expression.choice(next, after);
      after = new Call(new Rule("from " + name, optional));
    }
    return new Choice(firsts);
  }

  private static Expression afterComma(Expression pair) {
    return sequence(text(","), JsonText.BLANK, pair);
  }

  private static Expression rest(Expression furtherAfterComma) {
    return new Repeat(furtherAfterComma, 0, Expression.UNLIMITED);
  }

  private static Expression pair(Expression key, Expression value) {
    return sequence(key, text(":"), JsonText.BLANK, value);
  }

  /** What every schema says of a property: its own, or that of all further ones. */
  private Expression property(String name) {
    List<SchemaPart> all = new ArrayList<>();
    for (SchemaPart part : own) {
      Map<String, JsonElement> properties = SchemaKeywords.schemas(part, "properties");
      JsonElement schema = properties.get(name);
      if (schema != null) {
        all.add(part.below("properties", part.value()).below(name, schema));
      } else {
        addFurther(part, all);
      }
    }
    return compiler.value(all);
  }

  /** A property that is not declared; null if there may be none. */
  private @Nullable Expression furtherPair() {
    List<SchemaPart> all = new ArrayList<>();
    own.forEach(part -> addFurther(part, all));
    boolean isOpen = names.isEmpty() && all.isEmpty();
    if (isOpen) {
      return pair(JsonText.STRING, JsonText.VALUE);
    }
    boolean isClosed = all.isEmpty() || all.stream().anyMatch(ObjectText::isFalse);
    if (isClosed) {
      return null;
    }
    return pair(names.isEmpty() ? JsonText.STRING : OtherKeys.than(names), compiler.value(all));
  }

  private static boolean isFalse(SchemaPart part) {
    return part.value() instanceof JsonPrimitive primitive
        && primitive.isBoolean()
        && !primitive.getAsBoolean();
  }

  private static void addFurther(SchemaPart part, List<SchemaPart> all) {
    JsonElement schema = SchemaKeywords.value(part, "additionalProperties");
    if (schema != null) {
      all.add(part.below("additionalProperties", schema));
    }
  }
}
