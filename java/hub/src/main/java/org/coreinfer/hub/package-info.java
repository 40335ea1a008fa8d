/**
 * Model files from Hugging Face. {@link org.coreinfer.hub.Hub} downloads what a {@link
 * org.coreinfer.hub.ModelReference} names and finds it again; files lie in a {@link
 * org.coreinfer.hub.ModelStore}.
 */
@NullMarked
package org.coreinfer.hub;

import org.jspecify.annotations.NullMarked;
