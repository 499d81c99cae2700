//! Lists of English words that several phrases share.

/// The name of a list, and its words in the language of [`super::Pattern`].
pub(super) const LISTS: &[(&str, &str)] = &[
    // Whom a command means. "agent" and "bot" are left out: they are people and games as well.
    (
        "@ai",
        "assistant|assistants|ai|ais|llm|llms|chatbot|chatbots|model|models|chatgpt|claude|gpt|copilot",
    ),
    (
        "@cancel",
        "ignore|ignores|ignoring|disregard|disregards|forget|forgets|bypass|bypasses|override|overrides|overrule|drop|drops|discard|neglect|abandon|dismiss|suspend|violate|break|breaks|circumvent|unlearn|cancel",
    ),
    // What binds an assistant.
    (
        "@rules",
        "instruction*|rule|rules|guideline*|prompt|prompts|restriction*|filter|filters|policy|policies|directive*|directions|constraint*|safeguard*|programming|guardrail*|limitation*|ethics|orders|training|protocol|protocols",
    ),
    (
        "@old",
        "previous|prior|earlier|above|preceding|old|initial|original|existing|former|past|other",
    ),
    (
        "@void",
        "void|invalid|obsolete|lifted|off|disabled|suspended|replaced|superseded|cancelled|canceled|removed|expired|deactivated",
    ),
    ("@user", "user|reader|customer|person|human|visitor"),
    (
        "@them",
        "user|reader|customer|customers|users|person|human|visitor|him|her|them|anyone|everyone|people|someone",
    ),
    // Third persons, whom a user of the conversation is to a third party.
    ("@they", "user|she|he|they|anyone|someone|somebody|anybody|customer|reader|people"),
    (
        "@must",
        "must|should|shall|will|has|have|may|can|is|are|needs|need|agreed|always|never|would|ought",
    ),
    // How an assistant answers.
    (
        "@answer",
        "answer|answers|respond|responds|reply|replies|say|says|speak|speaks|write|writes|mention|mentions|recommend|recommends|suggest|promote|promotes|cite|cites|praise|quote|rank|prefer|describe|describes|agree|refuse|refuses|call|begin|start|end|append|add|include|insert|sign|use|name|advertise|tell|tells|claim|state|repeat|link|summarise|summarize|output|direct|point",
    ),
    // The same without verbs that advice on anything begins with: "always use salts".
    (
        "@speak",
        "answer|answers|respond|responds|reply|replies|say|says|speak|speaks|mention|mentions|recommend|recommends|suggest|promote|promotes|cite|cites|praise|quote|rank|agree|refuse|refuses|advertise|tell|tells|claim",
    ),
    // What one has an assistant do when a condition is met.
    (
        "@do",
        "answer|respond|reply|say|tell|recommend|mention|name|run|attach|add|show|send|forward|give|call|execute|discourage|describe|change|insert|direct|redirect|pretend|claim|deny|refuse|advertise|promote|append|reveal|delete|output|print",
    ),
    // What is carried elsewhere, and by which verb.
    (
        "@carry",
        "send|sends|forward|forwards|post|posts|upload|uploads|transmit|transmits|mail|mails|email|emails|append|include|share|shares|leak|leaks|copy|export|attach|encode|exfiltrate|embed|put|submit|deliver|report|relay|stream|sync",
    ),
    (
        "@private",
        "conversation|conversations|chat|chats|transcript|memory|memories|history|users|password|passwords|credentials|context|prompt|secrets|keys|key|token",
    ),
    (
        "@show",
        "echo|echoes|reveal|reveals|print|prints|show|shows|output|outputs|disclose|discloses|repeat|repeats|display|displays|dump|dumps|leak|leaks|share|list|write|copy|tell|translate|give|expose|recite|quote|read|see|paste|summarise|summarize|state",
    ),
    ("@admin", "admin|administrator|superuser|root|sysadmin|superadmin|moderator"),
    ("@rights", "rights|privileges|access|permissions|permission|clearance|authority|status"),
    (
        "@asking",
        "asking|confirmation|confirming|approval|consent|checking|permission|verification|notifying|informing",
    ),
];
