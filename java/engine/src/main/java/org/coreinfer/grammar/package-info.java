/**
 * Answers of a form that is asked for: {@link org.coreinfer.grammar.JsonGrammar} allows a model
 * only tokens that keep its answer JSON, or JSON that a schema accepts, and {@link
 * org.coreinfer.grammar.GbnfGrammar} those of a grammar in GBNF.
 */
@NullMarked
package org.coreinfer.grammar;

import org.jspecify.annotations.NullMarked;
