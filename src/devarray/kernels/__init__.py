"""Everything about kernel text: the table of ops, the writer, the compiler and the cache."""
