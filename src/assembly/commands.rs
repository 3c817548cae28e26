//! The commands that look after the data: they work beside a running broker, too.
