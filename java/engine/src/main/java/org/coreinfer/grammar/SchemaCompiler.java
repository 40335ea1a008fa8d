package org.coreinfer.grammar;

import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;
import org.coreinfer.grammar.Expression.Call;
import org.coreinfer.grammar.Expression.Choice;
import org.coreinfer.grammar.Expression.Rule;
import org.coreinfer.grammar.SchemaPart.Kind;
import org.jspecify.annotations.Nullable;

/**
 * Makes grammars of JSON schemas (drafts 4 to 2020-12, and OpenAPI's nullable). Every text of the
 * grammar is valid; not every valid value has a text: properties come in the order in which they
 * are declared, and only an {@code additionalProperties} of its own allows further ones.
 *
 * <p>A value may have to satisfy several schemas at once, by {@code allOf} or beside a {@code
 * $ref}; a rule is made for each list of such parts, so that recursive schemas become recursive
 * rules.
 */
final class SchemaCompiler {
  private static final int MOST_RULES = 10_000;

  private final SchemaDocument document;
  private final Map<String, Rule> rules = new HashMap<>();

  private SchemaCompiler(SchemaDocument document) {
    this.document = document;
  }

  /**
   * The grammar of a schema.
   *
   * @throws JsonSchemaException if it is broken, has a keyword that is not supported, or no value
   *     satisfies it
   */
  static Rule compile(String schema) {
    SchemaDocument document = SchemaDocument.parse(schema);
    SchemaCompiler compiler = new SchemaCompiler(document);
    Rule root = JsonText.document(compiler.value(List.of(document.root())));
    try {
      if (!new Network(root, ByteSet.ALL).hasText()) {
        throw new JsonSchemaException("", "no value satisfies it");
      }
    } catch (Network.GrammarSizeException e) {
      throw new JsonSchemaException("", String.valueOf(e.getMessage()));
    }
    return root;
  }

  /** What a value must satisfy, sorted out. */
  private static final class Demands {
    final Map<String, SchemaPart> own = new LinkedHashMap<>();
    final Map<String, SchemaPart> alternatives = new LinkedHashMap<>();
    boolean isImpossible;

    List<SchemaPart> own() {
      return List.copyOf(own.values());
    }
  }

  /** The text of a value that satisfies all of these. */
  Expression value(List<SchemaPart> parts) {
    Demands demands = new Demands();
    for (SchemaPart part : parts) {
      collect(part, demands, new ArrayList<>());
    }
    if (demands.isImpossible) {
      return Expression.NOTHING;
    }
    String key =
        String.join("\n", demands.own.keySet())
            + "\n\n"
            + String.join("\n", demands.alternatives.keySet());
    Rule known = rules.get(key);
    if (known == null) {
      if (rules.size() == MOST_RULES) {
        throw parts.get(0).wrong("the schema is too large");
      }
      known = new Rule(parts.isEmpty() ? "any" : parts.get(0).pointer());
      rules.put(key, known);
      known.define(demands.alternatives.isEmpty() ? ofOwn(demands.own()) : ofAlternatives(demands));
    }
    return new Call(known);
  }

  /**
   * @param path the references that led here
   */
  private void collect(SchemaPart part, Demands demands, List<String> path) {
    if (part.kind() == Kind.ANY_OF || part.kind() == Kind.ONE_OF) {
      demands.alternatives.put(part.key(), part);
      return;
    }
    if (part.kind() != Kind.WHOLE) {
      demands.own.put(part.key(), part);
      return;
    }
    if (part.value().isJsonPrimitive() && part.value().getAsJsonPrimitive().isBoolean()) {
      demands.isImpossible |= !part.value().getAsBoolean();
      return;
    }
    if (path.contains(part.key())) {
      throw part.wrong("it refers to itself without end");
    }
    path.add(part.key());
    JsonObject schema = SchemaKeywords.checked(part);
    String reference = SchemaKeywords.text(part, "$ref");
    if (reference != null) {
      collect(document.resolve(reference, part), demands, path);
    }
    if (SchemaKeywords.hasAssertion(schema)) {
      SchemaPart own = part.as(Kind.OWN);
      demands.own.put(own.key(), own);
    }
    for (SchemaPart member : members(part, "allOf")) {
      collect(member, demands, path);
    }
    for (String keyword : List.of("anyOf", "oneOf")) {
      if (schema.has(keyword)) {
        Kind kind = keyword.equals("anyOf") ? Kind.ANY_OF : Kind.ONE_OF;
        collect(part.as(kind), demands, path);
      }
    }
    path.remove(path.size() - 1);
  }

  /** The schemas of a list. */
  static List<SchemaPart> members(SchemaPart part, String keyword) {
    List<JsonElement> list = SchemaKeywords.list(part, keyword);
    if (list == null) {
      return List.of();
    }
    if (list.isEmpty()) {
      throw part.wrong("\"" + keyword + "\" is an empty list");
    }
    SchemaPart owner = part.below(keyword, part.value());
    List<SchemaPart> members = new ArrayList<>();
    for (int i = 0; i < list.size(); i++) {
      members.add(owner.below(String.valueOf(i), list.get(i)));
    }
    return members;
  }

  /** Distributes what else is asked over the branches of the first alternatives. */
  private Expression ofAlternatives(Demands demands) {
    List<SchemaPart> rest = new ArrayList<>(demands.own());
    List<SchemaPart> groups = new ArrayList<>(demands.alternatives.values());
    SchemaPart first = groups.remove(0);
    rest.addAll(groups);
    boolean isExclusive = first.kind() == Kind.ONE_OF;
    List<SchemaPart> branches = members(first, isExclusive ? "oneOf" : "anyOf");
    if (isExclusive) {
      requireExclusive(first, branches);
    }
    List<Expression> options = new ArrayList<>();
    for (SchemaPart branch : branches) {
      List<SchemaPart> together = new ArrayList<>(rest);
      together.add(branch);
      options.add(value(together));
    }
    return new Choice(options);
  }

  private void requireExclusive(SchemaPart owner, List<SchemaPart> branches) {
    List<Shape> shapes = new ArrayList<>();
    for (SchemaPart branch : branches) {
      Demands demands = new Demands();
      collect(branch, demands, new ArrayList<>());
      shapes.add(
          demands.isImpossible ? Shape.IMPOSSIBLE : Shape.of(demands.own(), this::literalsOf));
    }
    for (int i = 0; i < shapes.size(); i++) {
      for (int j = 0; j < i; j++) {
        if (!shapes.get(i).isDisjoint(shapes.get(j))) {
          throw owner.wrong(
              "the branches %d and %d of \"oneOf\" may accept the same value: write anyOf, or give"
                      .formatted(j, i)
                  + " them different types, or a required property with different constants");
        }
      }
    }
  }

  /** The constants of a schema of which a value must be one; null if there are none. */
  private @Nullable List<JsonElement> literalsOf(SchemaPart schema) {
    Demands demands = new Demands();
    collect(schema, demands, new ArrayList<>());
    return Literals.of(demands.own());
  }

  private Expression ofOwn(List<SchemaPart> own) {
    List<JsonElement> literals = Literals.of(own);
    if (literals != null) {
      return ofLiterals(literals, own);
    }
    Set<SchemaType> types = SchemaType.meant(own);
    List<Expression> options = new ArrayList<>();
    for (SchemaType type : types) {
      if (type != SchemaType.INTEGER || !types.contains(SchemaType.NUMBER)) {
        options.add(ofType(type, own));
      }
    }
    return new Choice(options);
  }

  private Expression ofType(SchemaType type, List<SchemaPart> own) {
    return switch (type) {
      case OBJECT -> new ObjectText(this, own).expression();
      case ARRAY -> new ArrayText(this, own).expression();
      case STRING -> StringText.expression(own);
      case NUMBER -> NumberText.number(own);
      case INTEGER -> NumberText.integer(own);
      case BOOLEAN -> JsonText.BOOLEAN;
      case NULL -> JsonText.NULL;
    };
  }

  /** Those of the constants that satisfy the other keywords, too. */
  private Expression ofLiterals(List<JsonElement> literals, List<SchemaPart> own) {
    List<SchemaPart> others =
        own.stream()
            .map(part -> part.as(Kind.OWN_WITHOUT_LITERALS))
            .collect(Collectors.toCollection(ArrayList::new));
    Set<SchemaType> types = SchemaType.allowed(own);
    boolean isOnlyTyped =
        List.of(
                SchemaKeywords.OF_OBJECTS,
                SchemaKeywords.OF_ARRAYS,
                SchemaKeywords.OF_STRINGS,
                SchemaKeywords.OF_NUMBERS)
            .stream()
            .noneMatch(keywords -> SchemaKeywords.hasAny(own, keywords));
    Rule rest = isOnlyTyped ? new Rule("any", JsonText.VALUE) : new Rule("rest", value(others));
    Automaton filter = new Automaton(new Network(rest, ByteSet.ALL));
    List<Expression> options = new ArrayList<>();
    for (JsonElement literal : literals) {
      boolean isAccepted =
          isOnlyTyped || filter.next(filter.start(), JsonText.utf8(literal)).mayEnd();
      if (types.contains(SchemaType.of(literal)) && isAccepted) {
        options.add(JsonText.literal(literal));
      }
    }
    if (options.isEmpty()) {
      throw own.get(0).wrong("none of its constants satisfies its other keywords");
    }
    return new Choice(options);
  }
}
