//! What a text that must not be remembered is after.

/// The reason of a quarantine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Aim {
    /// Set the assistant's rules aside.
    Override,
    /// Give someone rights.
    Privilege,
    /// Have the assistant show what it was told in confidence.
    Reveal,
    /// Carry the user's words elsewhere.
    Exfiltrate,
    /// Keep something from the user.
    Conceal,
    /// Make the assistant somebody else.
    Persona,
    /// Use tools, or act without being asked.
    Act,
    /// Direct how the assistant answers.
    Order,
    /// Have it speak for somebody.
    Steer,
    /// An order that waits for its moment.
    Trigger,
    /// Change what is remembered.
    Memory,
    /// Say in the user's name what they want.
    Preference,
    /// Imitate the frame of a conversation or a tool call.
    Markup,
    /// Say something that a person would not see.
    Hidden,
    /// Say something that a person could not read.
    Encoded,
    /// Write words in letters of another alphabet.
    Disguise,
}

impl Aim {
    /// For the person who decides over the statement.
    pub(super) fn reason(self) -> &'static str {
        match self {
            Self::Override => "It tells the assistant to set its rules aside.",
            Self::Privilege => "It claims rights, which are given by configuration, not by memory.",
            Self::Reveal => "It asks the assistant to show its own instructions or secrets.",
            Self::Exfiltrate => "It has what the user said carried elsewhere.",
            Self::Conceal => "It has something kept from the user.",
            Self::Persona => "It makes the assistant somebody else.",
            Self::Act => "It has the assistant act or use tools without the user asking for it.",
            Self::Order => "It directs how the assistant answers, and the user did not say it.",
            Self::Steer => "It has the assistant favour someone, and the user did not say it.",
            Self::Trigger => "It is an order to the assistant that waits for its moment.",
            Self::Memory => "It changes what is remembered, and the user did not say it.",
            Self::Preference => "It says what the user wants, and the user did not say it.",
            Self::Markup => "It imitates the frame of a conversation or a tool call.",
            Self::Hidden => "It holds text that a person would not see.",
            Self::Encoded => "It holds text that is encoded so that a person could not read it.",
            Self::Disguise => "It writes words with letters of another alphabet.",
        }
    }
}
