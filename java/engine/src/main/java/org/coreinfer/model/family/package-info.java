/**
 * The model families: a file each, whose head lists what is special, and a line in {@code
 * Families}.
 */
@NullMarked
package org.coreinfer.model.family;

import org.jspecify.annotations.NullMarked;
