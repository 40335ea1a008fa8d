/**
 * The kernels, checked: {@link org.coreinfer.backend.Backend} turns tensors into addresses and
 * status codes into exceptions. Nothing above this package sees an address.
 */
@NullMarked
package org.coreinfer.backend;

import org.jspecify.annotations.NullMarked;
