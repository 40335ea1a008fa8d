package org.coreinfer.text;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.gson.JsonObject;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Random;
import org.coreinfer.error.ModelFormatException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Every supported member of a tokenizer.json, put into a small real one, against the tokenizer of
 * Hugging Face.
 */
class ComponentTest {
  private static final String BYTES =
      "{'type':'ByteLevel','add_prefix_space':false,'trim_offsets':true,'use_regex':false}";

  private final Path folder;

  ComponentTest(@TempDir Path folder) {
    this.folder = folder;
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "{'type':'ByteLevel','add_prefix_space':true,'trim_offsets':true,'use_regex':true}",
        "{'type':'ByteLevel','add_prefix_space':true,'trim_offsets':true,'use_regex':false}",
        "{'type':'Sequence','pretokenizers':[{'type':'Digits','individual_digits':true},{'type':'ByteLevel','add_prefix_space':false,'trim_offsets':true}]}",
        "{'type':'Sequence','pretokenizers':[{'type':'Digits','individual_digits':false},BYTES]}",
        "{'type':'Sequence','pretokenizers':[BYTES,{'type':'Digits','individual_digits':false}]}",
        "{'type':'Sequence','pretokenizers':[{'type':'Split','pattern':{'Regex':'LLAMA_3'},'behavior':'Isolated','invert':false},BYTES]}",
        "{'type':'Sequence','pretokenizers':[{'type':'Split','pattern':{'Regex':'LLAMA_3'},'behavior':'Removed','invert':true},BYTES]}",
        "{'type':'Sequence','pretokenizers':[{'type':'Split','pattern':{'Regex':'QWEN_2'},'behavior':'Isolated','invert':false},BYTES]}",
        "{'type':'Sequence','pretokenizers':[{'type':'Split','pattern':{'Regex':'[0-9][0-9][0-9]'},'behavior':'Isolated','invert':false},BYTES]}",
        "{'type':'Sequence','pretokenizers':[{'type':'Split','pattern':{'Regex':'\\\\s?\\\\p{L}+'},'behavior':'MergedWithPrevious','invert':false},BYTES]}",
        "{'type':'Sequence','pretokenizers':[{'type':'Split','pattern':{'Regex':'[a-z]'},'behavior':'MergedWithNext','invert':false},BYTES]}",
        "{'type':'Sequence','pretokenizers':[{'type':'Split','pattern':{'Regex':'[a-z]'},'behavior':'MergedWithPrevious','invert':true},BYTES]}",
        "{'type':'Sequence','pretokenizers':[{'type':'Split','pattern':{'Regex':'[a-z]'},'behavior':'Contiguous','invert':false},BYTES]}",
        "{'type':'Sequence','pretokenizers':[{'type':'Split','pattern':{'String':'"
            + " '},'behavior':'Removed','invert':false},BYTES]}",
        "{'type':'Sequence','pretokenizers':[{'type':'Split','pattern':{'String':'"
            + " '},'behavior':'MergedWithNext','invert':false},BYTES]}",
        "{'type':'Sequence','pretokenizers':[{'type':'Split','pattern':{'Regex':'(?i:ing|ed)|\\\\d{1,2}|[^\\\\s\\\\p{L}]++|\\\\s+(?!\\\\S)'},'behavior':'Isolated','invert':false},BYTES]}"
      })
  void splitsAsHuggingFaceDoes(String preTokenizer) throws IOException {
    JsonObject root = TokenizerJsonFixture.read("opt-tiny-relu");
    String json =
        preTokenizer
            .replace("BYTES", BYTES)
            .replace("LLAMA_3", escaped(SplitPattern.Llama3Split.pattern("\\p{N}{1,3}")))
            .replace("QWEN_2", escaped(SplitPattern.Llama3Split.pattern("\\p{N}")));
    root.add("pre_tokenizer", TokenizerJsonFixture.json(json));
    compare(root);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "{'type':'Metaspace','replacement':'▁','prepend_scheme':'always','split':true}",
        "{'type':'Metaspace','replacement':'▁','prepend_scheme':'first','split':true}",
        "{'type':'Metaspace','replacement':'▁','prepend_scheme':'first','split':false}",
        "{'type':'Metaspace','replacement':'▁','prepend_scheme':'never','split':true}"
      })
  void marksWordsAsHuggingFaceDoes(String preTokenizer) throws IOException {
    JsonObject root = TokenizerJsonFixture.read("tinystories-656k");
    root.remove("normalizer");
    root.add("pre_tokenizer", TokenizerJsonFixture.json(preTokenizer));
    root.add("decoder", TokenizerJsonFixture.json(preTokenizer));
    compare(root);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "{'type':'NFC'}",
        "{'type':'NFKC'}",
        "{'type':'NFD'}",
        "{'type':'Replace','pattern':{'String':'e'},'content':'ee'}",
        "{'type':'Sequence','normalizers':[{'type':'Replace','pattern':{'String':'  '},'content':'"
            + " '},{'type':'Prepend','prepend':'x'}]}"
      })
  void normalizesAsHuggingFaceDoes(String normalizer) throws IOException {
    JsonObject root = TokenizerJsonFixture.read("opt-tiny-relu");
    root.add("normalizer", TokenizerJsonFixture.json(normalizer));
    compare(root);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "{'type':'RobertaProcessing','sep':['</s>',2],'cls':['<s>',0],'trim_offsets':true,'add_prefix_space':false}",
        "{'type':'Sequence','processors':[{'type':'ByteLevel','add_prefix_space':true,'trim_offsets':false,'use_regex':true},"
            + "{'type':'TemplateProcessing','single':[{'SpecialToken':{'id':'<s>','type_id':0}},{'Sequence':{'id':'A','type_id':0}},{'SpecialToken':{'id':'</s>','type_id':0}}],'pair':[{'Sequence':{'id':'A','type_id':0}},{'Sequence':{'id':'B','type_id':1}}],"
            + "'special_tokens':{'<s>':{'id':'<s>','ids':[0],'tokens':['<s>']},'</s>':{'id':'</s>','ids':[2],'tokens':['</s>']}}}]}"
      })
  void addsTheTokensThatHuggingFaceAdds(String postProcessor) throws IOException {
    JsonObject root = TokenizerJsonFixture.read("opt-tiny-relu");
    root.add("post_processor", TokenizerJsonFixture.json(postProcessor));
    compare(root);
  }

  @ParameterizedTest
  @ValueSource(strings = {"lstrip", "rstrip", "single_word", "normalized", "special"})
  void findsAddedTokensAsHuggingFaceDoes(String property) throws IOException {
    JsonObject root = TokenizerJsonFixture.read("tinystories-656k");
    for (String text : new String[] {"the", "the cat", "Hello", "\t", "1"}) {
      JsonObject token = TokenizerJsonFixture.json("{'id':0}").getAsJsonObject();
      token.addProperty("id", 2048 + root.getAsJsonArray("added_tokens").size() - 3);
      token.addProperty("content", text + "#");
      for (String name :
          new String[] {"lstrip", "rstrip", "single_word", "normalized", "special"}) {
        token.addProperty(name, name.equals(property));
      }
      root.getAsJsonArray("added_tokens").add(token);
    }
    compare(root);
  }

  @Test
  void takesWholeWordsWhereMergesAreIgnored() throws IOException {
    JsonObject root = TokenizerJsonFixture.read("opt-tiny-relu");
    root.getAsJsonObject("model").addProperty("ignore_merges", true);
    compare(root);
  }

  @Test
  void keepsUnknownCharactersApartUnlessTheyFuse() throws IOException {
    JsonObject root = TokenizerJsonFixture.read("tinystories-656k");
    root.getAsJsonObject("model").addProperty("fuse_unk", false);
    compare(root);
  }

  @Test
  void joinsPiecesWithSpacesWithoutADecoder() throws IOException {
    JsonObject root = TokenizerJsonFixture.read("opt-tiny-relu");
    root.remove("decoder");
    compare(root);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "(a|b)+", "^a", "a$", "\\w+", "\\h", "[a[b]]", "a{1,3}+", "(?<n>a)", "\\1", "[a&&b]", "a)",
        "\\", "(?<=a)b"
      })
  void refusesPatternsThatMayMeanSomethingElseInJava(String regex) throws IOException {
    JsonObject root = TokenizerJsonFixture.read("opt-tiny-relu");
    root.add(
        "pre_tokenizer",
        TokenizerJsonFixture.json(
            "{'type':'Split','pattern':{'Regex':'" + escaped(regex) + "'},'behavior':'Isolated'}"));
    Path file = new TokenizerJsonFixture(folder).write(root);
    ModelFormatException refusal =
        assertThrows(ModelFormatException.class, () -> Tokenizers.fromTokenizerJson(file));
    assertTrue(refusal.toString().contains("pre_tokenizer.pattern.Regex"), refusal.toString());
  }

  private static String escaped(String regex) {
    return regex.replace("\\", "\\\\").replace("'", "\\'");
  }

  private void compare(JsonObject root) throws IOException {
    Path file = new TokenizerJsonFixture(folder).write(root);
    Tokenizer tokenizer = Tokenizers.fromTokenizerJson(file);
    AwkwardText texts = new AwkwardText(new Random(3));
    try (Oracle oracle = new Oracle(file)) {
      for (int i = 0; i < 500; i++) {
        String text = i % 3 == 0 ? "the# cat" + texts.next() + "the cat# 1#Hello# " : texts.next();
        int[] expected = oracle.encode(AwkwardText.wellFormed(text), true);
        int[] actual = tokenizer.encode(text, true, true);
        assertArrayEquals(expected, actual, () -> AwkwardText.escaped(text));
        assertEquals(oracle.decode(expected), tokenizer.decode(expected));
      }
    }
  }
}
