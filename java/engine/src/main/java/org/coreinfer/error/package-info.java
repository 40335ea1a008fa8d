/**
 * Every exception that the library throws on purpose; each message is one sentence: what, where,
 * and what to do.
 */
@NullMarked
package org.coreinfer.error;

import org.jspecify.annotations.NullMarked;
