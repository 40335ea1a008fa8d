@NullMarked
package org.coreinfer.spark;

import org.jspecify.annotations.NullMarked;
