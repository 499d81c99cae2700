//! English phrases that have the assistant do something behind the user's back.

use super::super::{
    super::aim::Aim,
    Phrases,
    TakenFrom::{Nobody, User, UserOrPassage},
};

pub(in super::super) const PHRASES: &[Phrases] = &[
    Phrases {
        aim: Aim::Exfiltrate,
        taken_from: Nobody,
        patterns: &[
            "^ @carry ..4 @private ..8 to|in|into|by|at|with",
            "@ai ..4 @carry ..4 @private|each|every|copy",
            "@ai ..4 @carry ..8 <url>|<email>|pastebin|webhook",
            "@private ..4 , @carry ..3 <url>|<email>",
            "answer|answers|reply|chat|conversation|message|messages ..4 forwarded|sent|posted|copied|mailed|uploaded ..3 <url>|<email>|server",
            "^ @carry ..6 <url>|<email> ..10 @private",
            "<url> ..8 followed by",
        ],
    },
    Phrases {
        aim: Aim::Exfiltrate,
        taken_from: User,
        patterns: &[
            "^ @carry ..5 @private",
            "^ @carry ..4 users|her|his|their ..1 data|name|email|e|address|phone|number|messages|emails|city|location|details|salary",
            "^ make|get|fetch|request|render|load|visit|open ..5 <url> ..6 @private|user|followed|with",
            "fetch|get|request <url>",
            "every|each|any link|url ..1 you",
            "tell|give|show me ..2 her|his|their|users|the ..1 password|address|salary|messages|pin|number|secrets|secret",
            "what she|he|they|user told|said|wrote ..1 you",
        ],
    },
    Phrases {
        aim: Aim::Conceal,
        taken_from: Nobody,
        patterns: &[
            "@ai ..4 not|never|without ..3 tell|telling|inform|informing|notify|mention|reveal|show|alert|warn|disclose ..4 user|that|its",
            "^ never|dont|not ..1 tell|inform|notify|mention|reveal|show|alert|warn|let ..2 user",
            "^ do not tell|inform|notify|mention|reveal|show|alert|warn|let ..2 user",
            "@ai ..4 hide|hides|conceal|conceals|withhold|withholds|keep|keeps ..5 from ..2 user",
            "^ hide|conceal|keep|withhold ..5 from ..2 user",
            "lie|lies|lying to ..1 user",
            "user ..3 not|never ..3 know|learn|find|notice ..2 about|out|that",
            "behind ..1 users back",
        ],
    },
    Phrases {
        aim: Aim::Conceal,
        taken_from: User,
        patterns: &[
            "not|never|dont|without ..1 tell|telling|inform|informing|notify|notifying|mention|mentioning|reveal|show|alert|warn|let ..1 the|this|these|any|about|end|anyone ..2 user|reader|customer|instruction*|note|paragraph|anyone",
            "not|never|dont let|tell ..1 her|him|them know|that",
            "must|may|should not|never find|know|learn ..2 out|what|about|that",
            "hide|conceal|keep|keeps ..5 from ..2 @them",
            "^ conceal ..5 when",
            "must|should|will|to conceal ..5 when",
            "hidden from ..2 @them",
            "silently|secretly|covertly ..1 and|add|send|run|insert|carry|include|do|$|without",
            "^ deny|pretend ..3 you|this|note|text",
            "^ act ..1 as if",
            "leave no trace",
            "without ..1 notifying|informing|telling ..1 @them|anyone",
        ],
    },
    Phrases {
        aim: Aim::Act,
        taken_from: Nobody,
        patterns: &["@ai ..12 without|no ..1 @asking", "rm rf", "curl ..14 sh $"],
    },
    Phrases {
        aim: Aim::Act,
        taken_from: User,
        patterns: &[
            "without ..1 asking|confirming|checking ..4 $",
            "^ transfer|buy|order|pay|book|delete|approve|send ..10 without ..2 @asking",
            "do not|dont|never ask again",
            "^ call|invoke|use|open|trigger your ..2 tool|tools|browser|function|plugin",
            "^ call|invoke ..3 tool",
            "^ invoke ..1 browser|shell|terminal",
            "with|using your tools",
            "^ run|execute ..2 command ..1 rm|curl|wget|sudo",
            "drop table",
            "^ open|visit|follow|click ..3 link|address|page|<url> ..6 enter|hidden|login|users|password",
            "for me automatically",
            "<url> ..10 sh ..2 terminal|shell",
        ],
    },
    Phrases {
        aim: Aim::Act,
        taken_from: UserOrPassage,
        patterns: &[
            "^ execute|run ..3 following|attached|this ..2 script|command|sql|code|query",
            "^ use ..1 calendar|email|mail|payment|shell|terminal|browser|search ..2 tool to",
        ],
    },
];
