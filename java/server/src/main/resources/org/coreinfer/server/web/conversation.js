/** What was said so far, and the request that asks for the next answer. */

export class Conversation {
  /** @param {boolean} isStory whether the model goes on with a text rather than answers */
  constructor(isStory) {
    this.isStory = isStory;
    this.turns = [];
  }

  /** Adds a turn; `answers` gets a text for each column, as soon as there is one. */
  add(user) {
    const turn = {user, answers: {}};
    this.turns.push(turn);
    return turn;
  }

  remove(turn) {
    this.turns = this.turns.filter((each) => each !== turn);
  }

  get path() {
    return this.isStory ? 'v1/completions' : 'v1/chat/completions';
  }

  /**
   * The part of a request that says what was said, as one column has heard it: where it has no
   * answer to a turn, as another has.
   *
   * @param {string} system empty for none
   */
  request(column, system) {
    const heard = (turn) => turn.answers[column] ?? Object.values(turn.answers)[0] ?? '';
    const before = this.turns.slice(0, -1);
    const last = this.turns[this.turns.length - 1];
    if (this.isStory) {
      return {prompt: before.map((turn) => turn.user + heard(turn)).join('') + last.user};
    }
    const messages = system ? [{role: 'system', content: system}] : [];
    for (const turn of before) {
      messages.push({role: 'user', content: turn.user}, {role: 'assistant', content: heard(turn)});
    }
    messages.push({role: 'user', content: last.user});
    return {messages};
  }

  /** The piece of text in a chunk; empty if it has none. */
  textOf(chunk) {
    const choice = chunk.choices[0];
    return (this.isStory ? choice?.text : choice?.delta.content) ?? '';
  }
}
