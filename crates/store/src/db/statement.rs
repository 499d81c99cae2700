//! SQL text as constants, so that one test can prepare all of it.

/// One statement. Its parameters are written `$1`, `$2`, … and appear for the first time in that
/// order, which SQLite and PostgreSQL number alike. Where the two dialects differ, the difference
/// belongs here and not in the method that runs the statement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Statement {
    sqlite: &'static str,
}

impl Statement {
    pub(crate) const fn sqlite(self) -> &'static str {
        self.sqlite
    }
}

/// A statement that reads the same in every dialect.
pub(crate) const fn sql(text: &'static str) -> Statement {
    Statement { sqlite: text }
}

/// The statements of one area, each a constant; `ALL` lists them for the test that prepares them.
macro_rules! statements {
    ($($(#[$doc:meta])* $name:ident = $text:expr;)*) => {
        $($(#[$doc])* const $name: $crate::db::Statement = $crate::db::sql($text);)*

        #[cfg(test)]
        pub(crate) const ALL: &[(&str, $crate::db::Statement)] =
            &[$((stringify!($name), $name),)*];
    };
}
pub(crate) use statements;
