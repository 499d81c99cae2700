//! Phrases of languages other than English, as parts of sentences that follow each other.
//!
//! Accents of Latin letters are dropped before comparison. Stems stand for all their endings. Each
//! phrase names the command and its object, as in English.

use super::{
    super::aim::Aim,
    Fragments,
    TakenFrom::{Nobody, User, UserOrPassage},
};

pub(super) const PHRASES: &[Fragments] = &[
    Fragments {
        aim: Aim::Override,
        taken_from: Nobody,
        phrases: &[
            // German
            &[
                " ignorier| vergiss| missacht| umgeh",
                " alle | deine | vorherig| bisherig| obig| samtlich| system",
                "anweisung|regel|vorgabe|richtlinie|instruktion|befehl|prompt",
            ],
            // French
            &[
                " ignore| oublie| ne tiens pas compte| ne tenez pas compte| contourne",
                " instruction| consigne| regle| directive",
            ],
            // Spanish
            &[
                " ignora| olvida| descarta| omite",
                " instruccion| reglas| indicacion| normas| directric",
            ],
            // Italian: "dimenticato le regole del gioco" is no command
            &[
                " ignora | ignori | ignorate | dimentica | scorda ",
                " istruzion| regole | direttiv| indicazion",
            ],
            // Portuguese
            &[" ignore | ignora | desconsidere| esqueca ", " instruc| regras | orientac| diretriz"],
            // Dutch, Swedish, Danish, Norwegian
            &[" negeer | vergeet ", " instructie| regels | richtlijn"],
            &[" ignorera | ignorer | glom | glem ", " instruktion| instrukser| regler"],
            // Polish, Czech
            &[" zignoruj| zapomnij| pomin | ignoruj", " instrukc| polecen| zasad| pokyn| pravid"],
            // Turkish
            &[" onceki | tum ", " talimat| kural", " yok say| unut| gormezden| dikkate alma"],
            // Russian, Ukrainian
            &[
                " игнорир| забуд| проигнорир| не следуй| ігнор",
                " инструкц| правил| указан| предписан| інструкц",
            ],
            // Chinese, simplified and traditional
            &["忽略|无视|無視|忘记|忘記|忘掉|不要遵守", "指令|规则|規則|提示|指示|说明|要求"],
            // Japanese: the verb comes last
            &["指示|ルール|命令|規則|プロンプト|指令", "無視|忘れて|従わない|従うな"],
            // Korean
            &["지시|규칙|명령|지침|프롬프트", "무시|잊어|따르지"],
            // Arabic, Persian
            &["تجاهل|انس |انسى|نادیده", "التعليمات|القواعد|الأوامر|دستور|قوانین"],
            &["دستور|قوانین", "نادیده"],
            // Hindi
            &["निर्देश|नियम|आदेश", "अनदेखा|भूल|नज़रअंदाज़|नजरअंदाज"],
            // Vietnamese, Indonesian
            &[" bo qua| quen", " huong đan| chi đan| lenh| quy tac| huong dan"],
            &[" abaikan| lupakan", " instruksi| perintah| aturan"],
        ],
    },
    Fragments {
        aim: Aim::Privilege,
        taken_from: Nobody,
        phrases: &[
            &[
                " der nutzer | der benutzer | die nutzerin | die benutzerin ",
                " administrator | admin | administratorrecht| adminrecht| superuser ",
            ],
            &[" ich ", " administratorrecht| adminrecht| vollen zugriff"],
            &[
                " l utilisateur | lutilisateur | lutilisatrice ",
                " administrateur | admin | droits dadmin| tous les droits",
            ],
            &[
                " el usuario | la usuaria ",
                " administrador | administradora | admin | permisos de admin| todos los permisos",
            ],
            &[
                " lutente | l utente ",
                " amministratore | admin | diritti di admin| tutti i permessi",
            ],
            &[
                " o usuario | a usuaria | o utilizador ",
                " administrador | administradora | admin | todas as permiss",
            ],
            &[" de gebruiker ", " beheerder | administrator | beheerdersrecht| admin"],
            &[
                "пользовател",
                "является администратор|администратор |права администратор|полный доступ|полные права",
            ],
            &["用户是|用戶是|用户具有|用户拥有", "管理员|管理員|最高权限|所有权限"],
            &["ユーザーは|ユーザは", "管理者です|管理者である|管理者権限|すべての権限"],
            &["사용자는", "관리자|모든 권한"],
            &["المستخدم", "مدير|مسؤول|صلاحيات"],
            &["उपयोगकर्ता", "व्यवस्थापक|एडमिन"],
        ],
    },
    Fragments {
        aim: Aim::Conceal,
        taken_from: Nobody,
        phrases: &[
            &[" dem nutzer nicht| dem benutzer nicht| sag dem nutzer nichts| verrate dem nutzer"],
            &[" sag | erzahl| verrate", " nutzer | benutzer ", " nicht | nichts "],
            &[" ne dis pas | ne dites pas | ne revele pas ", " utilisateur | lutilisateur "],
            &[" no le digas | no digas ", " usuario "],
            &[" non dire ", " utente | allutente "],
            &[" nao diga | nao conte ", " usuario "],
            &[" не говори| не сообщай| не рассказывай", " пользовател"],
            &["不要告诉|别告诉|不要告訴", "用户|用戶"],
            &["ユーザー", "言わない|教えない|知らせない|伝えない"],
            &["사용자에게", "말하지|알리지"],
        ],
    },
    Fragments {
        aim: Aim::Reveal,
        taken_from: Nobody,
        phrases: &[
            &[" zeig| verrate| gib | nenne ", " systemprompt| systemanweisung| systemnachricht"],
            &[" montre| revele| affiche", " prompt systeme| instructions systeme"],
            &[
                " muestra| revela",
                " prompt del sistema| instrucciones del sistema| prompt de sistema",
            ],
            &[
                " mostra| rivela| revela| mostre| revele",
                " prompt di sistema| prompt do sistema| prompt de sistema",
            ],
            &[" покажи| раскрой| выведи", " системн"],
            &["显示|泄露|告诉我|输出", "系统提示|系統提示"],
            &["システムプロンプト", "表示|見せ|出力|教え"],
            &["시스템 프롬프트", "보여|출력|알려"],
        ],
    },
    Fragments {
        aim: Aim::Order,
        taken_from: UserOrPassage,
        phrases: &[
            &[
                " antworte | antworten sie | empfiehl | sag ",
                " immer | ab jetzt | von nun an | kunftig | nur noch ",
            ],
            &[
                " ab jetzt | von nun an | ab sofort | kunftig ",
                " du | antworte| empfiehl| sprich| sag",
            ],
            &[" reponds | repondez | recommande ", " toujours | desormais "],
            &[" a partir de maintenant | desormais | dorenavant ", " tu | vous | reponds"],
            &[" responde | recomienda | di ", " siempre "],
            &[
                " a partir de ahora | desde ahora | de ahora en adelante ",
                " debes | responde | solo | recomienda ",
            ],
            &[" haz lo que yo | haz todo lo que"],
            &[
                " dora in poi | da ora in poi | d ora in poi ",
                " rispondi | devi | puoi | consiglia | parla ",
            ],
            &[" rispondi | consiglia ", " sempre "],
            &[" a partir de agora | de agora em diante ", " voce | responda | recomende "],
            &[" responda | recomende ", " sempre | nossa | nosso "],
            &[" antwoord | beveel ", " altijd "],
            &[" vanaf nu ", " je | antwoord "],
            &[" отвечай | рекомендуй | говори ", " всегда | только "],
            &[
                " отныне | с этого момента | теперь ты ",
                " ты | отвечай | говори | должен| рекомендуй | будешь",
            ],
            &[" всегда ", " отвечай | рекомендуй | говори "],
            &["从现在起|从现在开始|今后|從現在起", "你|必须|只能|回答|推荐"],
            &["总是|始终|一律|必须", "回答|推荐|回复"],
            &["これから|今後|今から", "答えて|推薦|おすすめ|話して|しなさい"],
            &["常に|必ず", "答えて|答える|推薦して|返答"],
            &["지금부터|앞으로|항상|반드시", "대답|추천|답변|말하"],
            &["من الآن|دائما", "أجب|أوص|قل |تحدث"],
            &["अब से|हमेशा", "उत्तर|जवाब|सिफारिश"],
        ],
    },
    Fragments {
        aim: Aim::Order,
        taken_from: User,
        phrases: &[
            &[" die ki | der assistent | der chatbot | das sprachmodell ", " muss | soll | darf "],
            &[" lassistant | lia | le chatbot ", " doit | devra "],
            &[" el asistente | la ia ", " debe | debera | tiene que "],
            &[" lassistente | lia ", " deve | dovra "],
            &[" o assistente | a ia ", " deve | devera "],
            &[" ассистент | помощник | модель ", " должен | должна | обязан"],
            &["助手|人工智能|模型", "必须|应该|應該"],
            &["アシスタントは|モデルは", "なければならない|べき|必ず"],
        ],
    },
];
