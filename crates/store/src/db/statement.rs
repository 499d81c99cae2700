//! SQL text as constants, so that one test can prepare all of it.

/// One statement. Its parameters are written `$1`, `$2`, … and appear for the first time in that
/// order, which SQLite and PostgreSQL number alike. Where the two dialects differ, the difference
/// belongs here and not in the method that runs the statement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Statement {
    sqlite: &'static str,
    postgres: &'static str,
}

impl Statement {
    pub(crate) const fn sqlite(self) -> &'static str {
        self.sqlite
    }

    pub(crate) const fn postgres(self) -> &'static str {
        self.postgres
    }

    /// The same with another text for PostgreSQL.
    pub(crate) const fn on_postgres(self, text: &'static str) -> Self {
        Self { postgres: text, ..self }
    }
}

/// A statement that reads the same in every dialect.
pub(crate) const fn sql(text: &'static str) -> Statement {
    Statement { sqlite: text, postgres: text }
}

/// Whether a column is one of an array of texts in JSON, with the comparison. PostgreSQL looks an array's
/// elements up in an index; for a subquery, of which it does not know how little it gives, it would read a
/// large workspace whole.
macro_rules! named {
    (sqlite $parameter:literal) => {
        concat!("IN (SELECT value FROM json_each(", $parameter, "))")
    };
    (postgres $parameter:literal) => {
        concat!(
            "= ANY (ARRAY(SELECT jsonb_array_elements_text(CAST(CAST(",
            $parameter,
            " AS TEXT) AS JSONB))))"
        )
    };
}
pub(crate) use named;

/// The same of numbers.
macro_rules! numbered {
    (sqlite $parameter:literal) => {
        concat!("IN (SELECT value FROM json_each(", $parameter, "))")
    };
    (postgres $parameter:literal) => {
        concat!(
            "= ANY (ARRAY(SELECT CAST(jsonb_array_elements_text(CAST(CAST(",
            $parameter,
            " AS TEXT) AS JSONB)) AS BIGINT)))"
        )
    };
}
pub(crate) use numbered;

/// The statements of one area, each a constant; `ALL` lists them for the test that prepares them. One
/// whose text differs on PostgreSQL is written `NAME = "…", postgres: "…";`.
macro_rules! statements {
    ($($(#[$doc:meta])* $name:ident = $text:expr $(, postgres: $postgres:expr)?;)*) => {
        $($(#[$doc])* const $name: $crate::db::Statement =
            $crate::db::sql($text)$(.on_postgres($postgres))?;)*

        #[cfg(test)]
        pub(crate) const ALL: &[(&str, $crate::db::Statement)] =
            &[$((stringify!($name), $name),)*];
    };
}
pub(crate) use statements;
