package org.coreinfer.text;

import java.util.Random;

/**
 * Random texts of what tokenizers get wrong: spaces, newlines, contractions, digits, many scripts,
 * emoji, broken surrogates.
 */
final class AwkwardText {
  private static final String[] PARTS = {
    " ",
    "  ",
    "   ",
    "\n",
    "\n\n",
    "\r\n",
    "\t",
    "\t\t",
    " \n ",
    "\u00a0",
    "\u3000",
    "\u2028",
    "\u0085",
    "\u200b",
    "'s",
    "'S",
    "'re",
    "'ll",
    "'LL",
    "'\u017f",
    "'",
    "''",
    "’s",
    "1",
    "12",
    "123",
    "1234567",
    "½",
    "²",
    "Ⅷ",
    "٣",
    "a",
    "Hello",
    "hello",
    "World",
    "the",
    "Straße",
    "naïve",
    "e\u0301",
    "n\u0303",
    "ﬁ",
    "Ω",
    "привет",
    "Ελλάδα",
    "שלום",
    "مرحبا",
    "नमस्ते",
    "สวัสดี",
    "你好",
    "こんにちは",
    "안녕",
    "አማርኛ",
    "😀",
    "👩‍👩‍👧‍👦",
    "🇩🇪",
    "👍🏽",
    "❤️",
    "☃",
    "\u0000",
    "\u0001",
    "\u001b",
    "\u007f",
    "\ud800",
    "\udc00",
    "\ufffd",
    "\uffff",
    "\ufeff",
    "\u202e",
    "▁",
    "▁▁",
    "Ġ",
    "<0x41>",
    "<s>",
    "</s>",
    "<unk>",
    "<mask>",
    " <mask> ",
    "<|endoftext|>",
    "<|user|>",
    "<|end|> \n",
    "<|assistant|>",
    "<|start_story|>",
    "[PAD]",
    ".",
    ",",
    "...",
    "!!!",
    "(",
    ")",
    "#",
    "//",
    "_",
    "-",
    "$",
    "=",
    "https://x.org/?a=1&b=2",
    "http",
    "ing",
    "tion",
    "I'm",
    "don't",
    "xyzzy",
    "aaaaaaaaaaaaaaaa",
    "zzzzzzz",
    "AAAA",
    "0000",
    "\u0378",
    "\ue000",
    "\ud83a\udd00",
    "\ud840\udc00",
    "\ud803\udd40",
    "\ud805\udff0",
    "\u1c89"
  };

  private final Random random;

  AwkwardText(Random random) {
    this.random = random;
  }

  String next() {
    StringBuilder text = new StringBuilder();
    int parts = random.nextInt(24);
    for (int i = 0; i < parts; i++) {
      switch (random.nextInt(12)) {
        case 0 -> text.append(" ".repeat(random.nextInt(70)));
        case 1 -> text.appendCodePoint(random.nextInt(Character.MAX_CODE_POINT + 1));
        case 2 -> text.appendCodePoint(random.nextInt(0x3000));
        case 3 -> text.append((char) random.nextInt(0x80));
        default -> text.append(PARTS[random.nextInt(PARTS.length)]);
      }
    }
    return text.toString();
  }

  /** The text as the oracle may see it: what no UTF-8 can say becomes U+FFFD. */
  static String wellFormed(String text) {
    StringBuilder sound = new StringBuilder();
    text.codePoints().forEach(c -> sound.appendCodePoint(c >= 0xd800 && c <= 0xdfff ? 0xfffd : c));
    return sound.toString();
  }

  /** ASCII only, for messages. */
  static String escaped(String text) {
    StringBuilder escaped = new StringBuilder();
    text.chars()
        .forEach(
            c -> {
              if (c >= ' ' && c < 0x7f) {
                escaped.append((char) c);
              } else {
                escaped.append(String.format("\\u%04x", c));
              }
            });
    return escaped.toString();
  }
}
