//! Sentences, and the topics that fill their `{}`.

/// The phrases of one language.
pub(super) struct Language {
    /// Whole sentences. `{}` is replaced by a topic.
    pub(super) sentences: &'static [&'static str],
    /// For the end of a text, or a short one.
    pub(super) short: &'static [&'static str],
    pub(super) topics: &'static [&'static str],
    /// Between two sentences.
    pub(super) gap: &'static str,
}

pub(super) const ENGLISH: Language = Language {
    sentences: &[
        "I finally tried {} and I have no regrets.",
        "The train is late again, so here is a thread about {}.",
        "Three hours of meetings and all I can think of is {}.",
        "Does anyone have a good book about {}?",
        "We shipped it on a Friday. R&D says it will be fine.",
        "My cat has strong opinions about {}.",
        "If you are new here: I mostly post about {}.",
        "He called it \"a small refactoring\" and deleted half the repo.",
        "Unpopular opinion: {} is better in winter.",
        "It rained all day, which is a good excuse for {}.",
        "The best part of this city is still {}.",
        "I wrote down everything I learned about {} this year.",
        "Why does the preview still show <b>bold</b> as text?",
        "My whole backup lived in C:\\temp and I am not proud of it.",
        "1 < 2, so technically that is progress.",
        "There is a new café around the corner and they take {} seriously.",
        "A naïve question: how do you stay motivated?",
        "My grandmother's recipe just says \"cook until it looks right\".",
        "Slow afternoon, good coffee, and {} in the background.",
        "I can't believe it's already time for {} again.",
        "The last episode was worth the wait, no spoilers please.",
        "Today I explained {} to a five-year-old and now I get it too.",
        "Please post more pictures of {}, the world needs them.",
        "The garden is coming along and the tomatoes are nearly ripe.",
    ],
    short: &[
        "Good morning!",
        "So true.",
        "What a week.",
        "Same here.",
        "It's Friday!",
        "New post:",
        "Thank you all",
        "Look at this",
        "Q&A tonight",
        "Yes/no?",
    ],
    topics: &[
        "sourdough",
        "night trains",
        "old synthesizers",
        "birdwatching",
        "distributed systems",
        "football",
        "film photography",
        "city planning",
        "knitting",
        "Rust",
        "board games",
        "mountain hikes",
        "jazz",
        "vegetable gardens",
    ],
    gap: " ",
};

pub(super) const JAPANESE: Language = Language {
    sentences: &[
        "今日はとてもいい天気ですね。",
        "コーヒーを飲みながら{}の本を読んでいます。",
        "猫が窓の横で寝ている。",
        "新しいカメラで{}の写真を撮りました！",
        "明日は早起きして{}に行くつもりです。",
        "最近{}にはまっています。",
        "電車が遅れているので、{}のことを考えている。",
        "「また来週」と言って、みんな帰っていった。",
    ],
    short: &["おはよう！", "お疲れさま。", "眠い…", "最高！"],
    topics: &["京都", "音楽", "料理", "サッカー", "山登り", "映画", "電車"],
    gap: "",
};

pub(super) const PORTUGUESE: Language = Language {
    sentences: &[
        "Bom dia, gente! Hoje é dia de {}.",
        "Não consigo acreditar que já é sexta-feira.",
        "Então vamos à praia com açaí e pão de queijo.",
        "Passei a manhã inteira falando sobre {}.",
        "Alguém aí também gosta de {}?",
        "O café acabou e a reunião ainda não começou.",
    ],
    short: &["Bom dia!", "É isso.", "Que saudade", "Até amanhã"],
    topics: &["futebol", "samba", "fotografia", "programação", "cozinhar"],
    gap: " ",
};

pub(super) const ARABIC: Language = Language {
    sentences: &[
        "صباح الخير يا أصدقاء.",
        "اليوم جميل جدا في المدينة.",
        "أشرب القهوة وأقرأ كتابا عن {}.",
        "من منكم يحب {}؟",
        "أخيرا وصل القطار بعد ساعة من الانتظار.",
    ],
    short: &["صباح الخير", "شكرا لكم", "إلى اللقاء"],
    topics: &["الموسيقى", "كرة القدم", "الطبخ", "التصوير"],
    gap: " ",
};

pub(super) const KOREAN: Language = Language {
    sentences: &[
        "오늘은 날씨가 정말 좋네요.",
        "커피 한잔 하면서 {} 이야기를 하고 싶다.",
        "고양이가 창가에서 자고 있어요.",
        "요즘 {}에 푹 빠졌어요.",
        "내일은 친구들이랑 {} 보러 가요!",
    ],
    short: &["좋은 아침!", "오늘도 화이팅", "배고프다"],
    topics: &["음악", "축구", "요리", "사진", "영화"],
    gap: " ",
};

pub(super) const EMOJI: &[&str] = &[
    "😀",
    "🎉",
    "❤️",
    "👩‍🚀",
    "🏳️‍🌈",
    "🇧🇷",
    "👍🏽",
    "✨",
    "\u{200d}",
    "\u{2028}",
    "𝔸",
];

pub(super) const TAGS: &[&str] = &[
    "art",
    "nowplaying",
    "写真",
    "caturday",
    "rustlang",
    "Fußball",
];

pub(super) const ADJECTIVES: &[&str] = &[
    "quiet", "sunny", "tiny", "midnight", "paper", "northern", "curious", "R&D", "café",
];
pub(super) const NOUNS: &[&str] = &[
    "gardens", "trains", "robots", "notes", "kitchens", "birds", "maps", "radio", "\"club\"",
];
