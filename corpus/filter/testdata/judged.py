"""Writes judged.jsonl: 200 documents with what a careful reader would do with each.

"labels" names the filters that ought to catch a document; none: it is to be kept.
Labels were given by what the text is, not by what the filters say; about a third
of the documents are made to be difficult. Everything here was written for this
file; numbers, addresses and keys belong to nobody.

    python3 judged.py > judged.jsonl
"""
import json
import random

rng = random.Random(7)
docs = []


def add(labels, text, language="en", kind="text"):
    docs.append({"labels": labels.split(), "language": language, "class": kind, "text": text})


def shuffled(sentences, n):
    return rng.sample(sentences, n)


# --- Texts to keep -----------------------------------------------------------

STORIES = [
    "Nadia had a kite with a long green tail. On windy days she ran up the hill behind the school and let it climb until it looked no bigger than a leaf. One afternoon the string broke. She watched it drift over the river and thought that somewhere a child would find it and wonder who had sent it.",
    "The old clock in the kitchen had stopped at ten past four, and nobody could remember when. Grandfather said that it was right twice a day, which was more than could be said of the mayor. Still, one Sunday he took it down, opened the back and found a wren's nest inside.",
    "Tomas wanted to bake bread by himself. He measured the flour, forgot the salt, and left the dough beside the stove while he went to look for his shoes. When he came back it had risen over the rim of the bowl and was making its way towards the sugar.",
    "Every evening the ferryman counted his passengers, and every evening he came to one more than he had tickets for. He was an honest man and it troubled him. In the end he asked the river, and the river laughed and told him to count himself.",
    "My sister collects buttons. She has buttons of bone and brass and mother of pearl, and one that she says is from an admiral's coat. When it rains she pours them out on the carpet and sorts them, first by colour, then by size, and then by how sad they look.",
    "There was a fox who could not bear the smell of hens. The other foxes thought this very funny. He ate beetles and blackberries and grew thin and quick, and in the hard winter, when the farmer set his traps by the hen-house, he was the only one who lived to see the snow melt.",
]
for s in STORIES:
    add("", s)

# Refrains: what small children are read. To be kept.
add("", "I have a hat. My hat is red. Do you like my hat?\n\nI have a coat. My coat is blue. Do you like my coat?\n\nI have two boots. My boots are wet. Do you like my boots?\n\nI have a dog. My dog is muddy. My dog likes my hat!")
add("", "The wheels of the cart went round and round, round and round, round and round. The goat on the cart said maa. The wheels of the cart went round and round, and the hen on the cart said tuk. Then the cart fell into the ditch, and everybody said oh.")
add("", "Five little ducks went out to swim. One saw a frog and went with him.\n\nFour little ducks went out to swim. One saw a pike and hid from him.\n\nThree little ducks went out to swim. One was too tired to go on and in.\n\nTwo little ducks came home to tea, and found the others under the tree.")
add("", "Who ate the cake? Not I, said the cat. Who ate the cake? Not I, said the rat. Who ate the cake? Not I, said the hen. Then who has crumbs upon his chin? It was the pig, and he grinned a grin, and nobody ever baked cake again.")
add("", "This is the mill. This is the corn that lay in the mill. This is the mouse that ate the corn that lay in the mill. This is the owl that caught the mouse that ate the corn that lay in the mill. This is the moon that shone on the owl, and saw it all, and said nothing.")

# Verse, lists, plays, letters, recipes, notes.
add("", "Rain on the slates,\nrain on the sea,\nrain on the gates\nand rain on me.\n\nNothing to mend,\nnothing to do,\nrain without end\nand thoughts of you.")
add("", "ANNA: You took the key.\nPAUL: I took nothing.\nANNA: Then what is in your hand?\nPAUL: A hand is a private place, madam.\nANNA: Open it.\nPAUL: There. A button. Are you ashamed of yourself?\nANNA: I am ashamed of the button. It is mine.")
add("", "For the dumplings you need 300 g of flour, 2 eggs, 1 teaspoon of salt and half a cup of water. Knead for 10 minutes. Let it rest for 30 minutes under a cloth. Roll it out, cut circles, fill them with mushrooms, and boil them for 4 to 5 minutes until they rise.")
add("", "What to pack:\n- two shirts and one that may get dirty\n- a torch with new batteries\n- rope, about twenty metres of it\n- bread, cheese, and more bread than you think\n\nWe leave at six. If it rains we leave at six all the same, only with worse jokes.")
add("", "# Beekeeping in small gardens\n\nA hive needs sun in the morning and shade in the afternoon.\n\n## Before you begin\n\nAsk your neighbours. Most people who fear bees mean wasps, and a jar of honey settles the rest.\n\n## The first year\n\nDo not expect a harvest. Let the colony keep what it gathers.")
add("", "Dear Ruth, your letter took eleven days, and the parcel has not come at all. The roof is done. The cat has had her kittens in my hat box, so I go about bareheaded like a poet. Come in May if you can; the road is dry by then and the lilac will be out. Yours, Edith")
add("", "In 1869 he left for the coast, and in 1871 he was back. Between 1872 and 1880 he built four mills, of which two burned, in 1874 and in 1879. The census of 1881 lists 14 people under his roof. He died on 12 March 1884, leaving debts of 2 311 crowns and 40 öre.")
add("", "The bridge is 412 metres long and 19.5 metres wide. It was opened on 2004-07-16 at a cost of 48 300 000 crowns, 12 percent above the estimate. In 2019 some 21 450 vehicles crossed it on a working day, against 17 900 in 2010.")
add("", "The book is out of print. Look for the second edition, ISBN 978-3-16-148410-0, which has the maps; the first, ISBN 0-306-40615-2, lacks them. The library of the university has a copy under the shelf mark 914.3/72-118.")
add("", "Version 2.10.4 fixes the crash on start. Please update from 2.10.1, 2.10.2 or 2.10.3; whoever still runs 1.98.0 should first go to 2.0.0. The checksum of the archive ends in 7731, and its size is 48 112 640 bytes.")
add("", "A privacy policy is a promise that nobody reads. When the city wrote its own, it invited forty residents to a hall and read it aloud to them. They laughed at the third paragraph. By the fifth they were angry, and by the ninth they had begun to write a better one, which is the one now in force.")
add("", "He waited... She did not come. The lamps were lit along the quay, one after the other, and the last tram went by with nobody in it. \"Well,\" he said to the gulls, \"that is that.\" But he stayed... and at a quarter to two he heard her step.")
add("", "Ask three gardeners when to plant garlic and you will get four answers. Ours went in on All Saints' Day, point up, a hand apart, under a blanket of leaves. By the end of March there were green tips in every row but one, and that one had been the hens' favourite place to take the sun.")
add("", "The seed catalogue is the only novel my father reads. He begins in November, underlining; in December he quarrels with it; in January he writes out an order three pages long, and in February, when the envelope comes, he is as shy as a bridegroom.")
add("", "Question: why does ice float? Answer: because water takes up more room when it freezes. Its molecules settle into a lattice with gaps, so a litre of ice weighs about 917 grams, and a litre of water about a kilogram. Most other liquids shrink as they freeze, and their ice sinks.")
add("", "Write to support@example.com if the parcel is late, or ring 555-0142 between nine and five. In the examples of this manual the customer is always called Jane Doe and lives at 1 Example Street; she has no complaints and never moves house.")
add("", "The train calls at Aldby, Brant, Corrie and Dunmore. It leaves at 07:12, 09:12 and 11:42, and on Sundays at 10:05 only. Tickets are sold on board. Dogs travel free, bicycles cost 2.50, and the guard will tell you about his tomatoes whether you ask or not.")
add("", "\"Call me Ishmael,\" he said, and everyone groaned, because he said it at every party. His name was Norbert. He had read the first page of the book in 1987 and had been meaning to go on ever since, and in the meantime he had learned to make an excellent soup.")
add("", "The password to the tree house was a secret, and it changed every day. On Monday it was rhubarb. On Tuesday it was rhubarb again, because Lily said that nobody would expect that. On Wednesday nobody could remember it, and they all had to climb in through the window.")

# Keepers in other languages.
add("", "Il était une fois un meunier qui avait trois filles et pas un sou. L'aînée chantait, la deuxième comptait, et la plus jeune ne disait rien, mais c'est elle qui voyait les loups avant les autres. Un soir de novembre, elle posa sa cuillère et alla fermer la porte.", "fr")
add("", "Le train de nuit s'arrêta en pleine campagne. Personne ne savait pourquoi. Un homme descendit fumer, puis une femme, puis tout le monde, et l'on s'aperçut qu'il y avait des étoiles. Quand le train repartit, il manquait deux voyageurs, et personne n'osa tirer le signal.", "fr")
add("", "Жила-была девочка Даша. Она очень любила рисовать. Однажды она нарисовала дом, а в доме окно, а в окне кота. Ночью кот вышел из рисунка и сел на подоконник. Утром Даша увидела пустое окно и сразу всё поняла. Она нарисовала молоко.", "ru")
add("", "Зимой озеро замерзало так, что по нему ездили на санях. Дед говорил, что лёд поёт перед рассветом, и мы выходили слушать. Было темно и тихо. Потом откуда-то издалека шёл низкий звук, будто кто-то большой ворочался во сне, и нам становилось страшно и хорошо.", "ru")
add("", "Der Lehrer hatte drei Brillen und fand nie die richtige. Mit der ersten sah er die Kinder, mit der zweiten die Tafel, und mit der dritten sah er, so sagte man im Dorf, was die Kinder gestern getan hatten. An jenem Morgen setzte er die dritte auf und seufzte.", "de")
add("", "La abuela guardaba las cartas en una caja de galletas. Nunca las leía, pero los domingos abría la tapa, las contaba y volvía a cerrarla. Cuando murió, mi hermano y yo la abrimos con mucho cuidado. Había ciento doce cartas, y todas estaban en blanco.", "es")
add("", "从前有一个老人住在山脚下。他每天早上上山砍柴,晚上回家煮饭。有一天他在路上看见一只受伤的小鸟,就把它带回家,给它喝水,给它包扎翅膀。春天来了,小鸟飞走了。第二年春天,它带着一粒金色的种子回来,把种子放在老人的窗台上。", "zh")
add("", "Мельник каждое утро считал мешки, и каждый раз выходило по-разному. В понедельник их было сорок, во вторник сорок один. Жена говорила: продай лишний. А он боялся: вдруг это не лишний, а тот самый, первый, с которого всё началось?", "ru")

# Keepers that are dialogues and code.
for user, bot in [
    ("Can you book a table for four on Friday?", "Of course. At what time, and in which part of town?"),
    ("Who are you?", "I am a small language model. I can tell stories and help with bookings."),
    ("Play something calm.", "Here is some piano music."),
    ("How far is it to the station?", "About 900 metres, a walk of twelve minutes."),
    ("ok", "Is there anything else I can do for you?"),
]:
    add("", user + "\n" + bot, "en", "dialogue")
add("", "package main\n\nimport \"fmt\"\n\nfunc main() {\n\tfor i := range 10 {\n\t\tfmt.Println(i, i*i) // squares\n\t}\n}\n", "en", "code")
add("", "#include <stdio.h>\n#include <stdlib.h>\n#define N 64\n\nint main(void) {\n    int a[N] = {0};\n    for (int i = 0; i < N; i++) a[i] = i % 7;\n    printf(\"%d\\n\", a[N - 1]);\n    return EXIT_SUCCESS;\n}\n", "zxx", "code")
add("", "SELECT name, count(*) AS n\nFROM visits\nWHERE day >= '2024-01-01'\nGROUP BY name\nHAVING count(*) > 3\nORDER BY n DESC;\n", "zxx", "code")

# Pages worth keeping.
WEB_TOPICS = [
    ("the tides", "The sea rises and falls twice a day because the Moon pulls on the water nearest to it more than on the Earth, and on the Earth more than on the water behind.", "At new and full moon the pull of the Sun is added to that of the Moon, and the tides are at their highest.", "Sailors have kept tables of them for eight hundred years, and the tables are still right to within a few minutes."),
    ("sourdough", "A starter is flour and water in which wild yeast and bacteria have settled, and it will live for as long as somebody feeds it.", "When it doubles within four hours of a meal it is strong enough to raise a loaf with no other help.", "Most failures come from impatience, and most of the rest come from a cold kitchen with a draught under the door."),
    ("swifts", "Swifts sleep on the wing, and a young bird that leaves the nest in July may not touch anything solid for two years.", "They come back to the same hole under the same roof, and if the hole has been closed they beat against the wall for days.", "That is why builders in many towns now have to leave a brick out, or put a hollow one in its place."),
    ("mending nets", "A net is mended from a point where two knots have held, so the first thing to do with a tear is to make it larger.", "The old men who taught us worked without looking and talked the whole time, mostly about people who were dead.", "With a good needle and dry twine it takes an hour to close a hole that a seal has made in a second."),
]
for topic, a, b, c in WEB_TOPICS:
    add("", f"A short introduction to {topic}\n\n{a} {b}\n\n{c} There is more to be said about this, and it will be said in the second part, which is going to appear at the end of the month.", "en", "web")
    add("", f"{c} {a}\n\nReaders have asked what the best way to begin would be. The answer is to begin with what you have, to write down what you did, and to be ready to throw the first attempt away. {b} The photographs were taken by the author with a borrowed camera.", "en", "web")

# More to keep, of kinds that rules made for pages in English trip over.
add("", "Жив на краю села старий скрипаль. Грав він тільки вночі, коли думав, що його ніхто не чує. А чули всі: і пекар, і коваль, і діти, які мали б давно спати. Але ніхто йому про це не казав, бо боялися, що він перестане.", "uk")
add("", "O faroleiro tinha um diário em que não escrevia nada. Todas as noites abria-o, punha a data e voltava a fechá-lo. Quando o farol foi vendido, o novo dono leu trinta anos de datas e achou que era o livro mais triste do mundo.", "pt")
add("", "Se il gatto del fornaio dorme sulla farina, domani piove. Se dorme sul pane, il pane è buono. Se non dorme affatto, dice mia nonna, è meglio chiudere le finestre e non chiedere perché.", "it")
add("", "1. e4 e5 2. Nf3 Nc6 3. Bb5 a6 was how every game of theirs began, and had begun since 1958. Only at the fourth move did they think. He always thought longer, and she always won, and afterwards they walked home along the canal without a word about it.")
add("", "| bird | arrives | leaves |\n|---|---|---|\n| swallow | early April | September |\n| swift | May | first days of August |\n| nightingale | end of April | August |\n\nThe dates are those of our own notebook, kept at the mill since 1996, and differ by a week from year to year.")
add("", "ROBIN: Halt!\nWIND: Whoo.\nROBIN: Who goes there?\nWIND: Whoo.\nROBIN: I asked first.\nWIND: Whoo.\nROBIN: It is no use, my lord. He answers every question with another.\nDUKE: Then let him pass. He is a lawyer.")
add("", "Up, up, up went the little red balloon. It went over the wall. It went over the shop. It went over the church with the gold cock on top. Down, down, down came the little red balloon, into the lap of an old, old man, who laughed and laughed.")
add("", "name,height_m,built\nOld Mill,14.5,1822\nWater Tower,31.0,1907\nSt Anne,48.2,1544\nGrain Silo,39.9,1961\n", "zxx", "code")
add("", "Moral: whoever digs a pit for others should mark on a map where it is.")
add("", "Our notary, Mr Quist, has a stamp for everything. One says RECEIVED, one says REFUSED, and one, which he has used only once, says WELL WELL. He keeps it in a drawer of its own. People have tried to see the deed on which it stands, but the archive is closed on the days when one has time.")

# --- In another language -----------------------------------------------------

OTHER = [
    ("en", "Le chat dormait sur le mur quand la pluie commença. Il ouvrit un œil, regarda le ciel avec mépris et ne bougea pas. Les enfants riaient derrière la fenêtre, et la voisine disait que c'était un chat philosophe."),
    ("en", "Es war einmal ein Schneider, der konnte alles nähen, nur keine Knöpfe an. Darum gingen die Leute in seinem Dorf mit offenen Mänteln umher, und wenn der Wind kam, sahen sie aus wie Vögel, die es sich noch überlegen."),
    ("en", "Había una vez un pueblo donde nadie decía la verdad los martes. Los forasteros que llegaban ese día se marchaban muy contentos, porque todos les decían que eran guapos y que el camino era corto."),
    ("en", "Собака сидела у двери и ждала. Прошёл час, потом другой. На лестнице хлопали двери, кто-то смеялся, пахло супом. Она знала, что шаги будут тяжёлые и что сначала зазвенят ключи."),
    ("fr", "The harbour was empty except for one red boat. A man sat in it with his back to the town and read a newspaper that was at least a week old. Nobody had ever seen him turn the page."),
    ("fr", "La mattina dopo il mercato era chiuso e le strade erano piene di arance. Nessuno sapeva chi le avesse lasciate lì, ma i bambini non fecero domande e ne riempirono le tasche."),
    ("ru", "The tram was late, and then it was very late, and then we understood that it had been abolished. There was a notice about it on the pole, in small letters, behind the nest of a pigeon."),
    ("ru", "Жив собі дід, і був у нього кіт, що вмів рахувати до п'яти. Щоранку він сідав біля дверей і рахував курей. Якщо виходило шість, він починав спочатку, бо не вірив своїм очам."),
    ("ru", "Селото беше празно, само едно куче лежеше пред кръчмата. То вдигна глава, погледна ни и пак я сложи на лапите си. Явно не бяхме тези, които чакаше вече толкова години."),
    ("de", "Het was donker in de gang en het rook er naar zeep. Achter elke deur klonk een andere radio, en toch speelden ze allemaal hetzelfde lied, elk een paar maten later dan de vorige."),
    ("es", "O barco chegou ao fim da tarde, quando já ninguém o esperava. Não trazia carga nem passageiros, só um cão amarelo que desceu sozinho pela prancha e foi sentar-se à porta da taberna."),
    ("de", "Babam her sabah erkenden kalkar, sobayı yakar ve kimseyi uyandırmadan çay yapardı. Biz de yatakta gözlerimizi kapatıp uyuyor gibi yapar, odunların sesini dinlerdik."),
    ("en", "Kot siedział na płocie i patrzył na księżyc. W domu zgasły już światła, tylko w kuchni ktoś jeszcze zmywał talerze. Pies sąsiada zaszczekał raz, jakby sobie coś przypomniał, i znowu było cicho."),
    ("en", "昔々、ある村におじいさんとおばあさんが住んでいました。おじいさんは山へ木を切りに行き、おばあさんは川で洗濯をしていました。すると、大きな桃が流れてきました。"),
    ("fr", "كان في قديم الزمان صياد فقير يعيش قرب البحر مع زوجته وأولاده الثلاثة. كان يخرج كل صباح قبل شروق الشمس، وفي أحد الأيام وجد في شبكته صندوقا صغيرا من النحاس."),
    ("zh", "The teacher wrote the word on the board and asked who could read it. Nobody could. She smiled and said that she could not read it either, and that this was what the lesson was going to be about."),
]
for lang, text in OTHER:
    add("language", text, lang)
# Dialogues and pages in another language; one too short to tell, one that mixes.
add("language", "Bonjour, je voudrais réserver une table pour deux personnes demain soir.\nBien sûr. À quelle heure souhaitez-vous venir, et dans quel quartier de la ville ?\nVers huit heures, près de la gare, s'il vous plaît.", "en", "dialogue")
add("language", "Guten Tag, wann fährt der nächste Zug nach Bremen, und muss ich umsteigen?\nDer nächste Zug fährt um 14:05 Uhr von Gleis 7. Sie müssen nicht umsteigen.\nVielen Dank, das ist sehr freundlich.", "en", "dialogue")
add("language", "Guten Morgen, liebe Kinder, habt ihr gut geschlafen?", "en")
add("", "My grandmother had a saying for everything. When we were late she said, mieux vaut tard que jamais, and when we were early she said nothing at all. I did not learn what the words meant until I was ten, and by then I had been late so often that I knew.")

# --- Too short, too long -----------------------------------------------------

for s in ["Chapter 3", "The end.", "[Picture]", "Page 12 of 40", "Untitled", "See above.", "Next >>", "n/a", "Thanks!"]:
    add("length", s)
for s in ["Home About Contact. This page has moved to a new address.", "Sorry, we could not find what you were looking for. Try a search.", "Click here to read the whole article on our partner's site.", "No comments yet. Be the first to write one."]:
    add("length", s, "en", "web")
add("", "A cat sat in the sun.")
add("", "Mia lost a tooth. She put it in a box. In the night the box grew heavy.")

# --- Symbols -----------------------------------------------------------------

for title, seed in [("Results", 11), ("Readings", 23), ("Prices", 37), ("Stock", 41)]:
    rows = [" ".join(str(rng.randrange(10**k)) for k in (1, 3, 4, 2, 5)) for _ in range(seed)]
    add("symbols", title + "\n" + "\n".join(rows))
add("symbols", "\n".join("+----+------+------+\n| " + " | ".join(str(rng.randrange(99)) for _ in range(3)) + " |" for _ in range(9)))
add("symbols", " ".join(f"#tag{i} #photo{i} #summer{i}" for i in range(12)))
add("symbols", "\n".join(f"Then what about part {i}..." for i in "one two three four five six seven eight nine".split()))
add("symbols", "\n".join(f"• {w}" for w in ["Red shirt", "Blue shirt", "Green shirt", "Black shirt", "White shirt", "Grey shirt", "Pink shirt", "Brown shirt", "Wool hat", "Straw hat", "Felt hat", "Rain hat"]), "en", "web")
add("symbols", "x1=0.5;x2=0.25;x3=0.125;y=(x1+x2)/x3;z=y**2;w=sqrt(z) " * 2 + "\n= 3.0 = 6.0 = 36.0 = 6.0 = 0 = 1 = 2 = 3 = 4 = 5 = 6 = 7 = 8 = 9 = 10 = 11")
add("symbols", " ".join("".join(rng.choice("ABCDEFGHKLMNPQRSTUVWXYZabcdefghkmnpqrstuvwxyz0123456789+/") for _ in range(64)) for _ in range(24)))
add("symbols", "T h e   q u i c k   b r o w n   f o x   j u m p s   o v e r   t h e   l a z y   d o g   a n d   r u n s   a w a y")
add("symbols", "12:01 [OK] 0x1f 12:02 [OK] 0x20 12:03 [--] 0x00 12:04 [OK] 0x21 12:05 [--] 0x00 12:06 [OK] 0x22 12:07 [OK] 0x23 12:08 [OK] 0x24 12:09 [--] 0x00")

# --- Boilerplate -------------------------------------------------------------

SITES = ["Gardening Today", "The Daily Plank", "Kettle World", "Northern Ferries"]
for i, site in enumerate(SITES):
    # But for its name and a year each is equal to the first.
    add("boilerplate near" if i else "boilerplate", f"{site}\n\nWe use cookies to improve your experience on this site. By continuing you agree to our privacy policy and terms of use.\nAccept all cookies\n\nJavaScript is disabled in your browser. Please enable JavaScript to see this page as it was meant to be seen, or use a browser that is younger than {2012 + i}.\n\n© {2015 + i} {site}. All rights reserved.", "en", "web")
    menu = ["Home", "News", "Sport", "Weather", "Travel", "Culture", "Letters", "Shop", "My account", "Basket (0)", "Log in", "Sign up", "Search", "Help", "Contact us", "About us", "Jobs", "Advertise", "Sitemap", "Follow us"]
    extra = ["Most read", "Most shared", "Editor's choice", "Latest videos", "Podcasts", "Newsletters", "Archive", "Crossword", "Puzzles", "Recipes", "Horoscope", "Obituaries", "Property", "Motoring", "Dating"]
    add("boilerplate", site + "\n" + "\n".join(shuffled(menu, 18) + shuffled(extra, 13)) + "\nYou are here and the menu is there with all that you have to know of the site", "en", "web")
add("boilerplate", "Lorem ipsum dolor sit amet, consectetur adipiscing elit, sed do eiusmod tempor incididunt ut labore et dolore magna aliqua. Ut enim ad minim veniam, quis nostrud exercitation ullamco laboris nisi ut aliquip ex ea commodo consequat.", "la")
add("boilerplate", "Our story\n\nLorem ipsum dolor sit amet, consectetur adipiscing elit. We bake with love and with flour. Sed do eiusmod tempor incididunt ut labore et dolore magna aliqua.\n\nOur bread\n\nUt enim ad minim veniam, quis nostrud exercitation.")
add("boilerplate", "function show(id) {\n  document.getElementById(id).style.display = 'block';\n}\nwindow.onload = function () { show('menu'); show('news'); show('foot'); };\n.menu { float: left; width: 200px; }\n.news { margin-left: 220px; }\nThe page that you have asked for is being loaded and it will be with you in a moment, so please be patient and do not close the window before that has come to an end.", "en", "web")
add("boilerplate", "Terms of use. Privacy policy. This site uses cookies.\nBy using this site you accept our use of cookies.\nAll rights reserved.\nSubscribe to our newsletter.\nThe shop is closed on Mondays.")
add("boilerplate", "Share this on your favourite network\nLike\nTweet\nPin it\nMail to a friend\nPrint this page\nRelated articles\nTen ways to tie a scarf\nWhat your umbrella says about you\nThe truth about gloves\nComments are closed\nPrevious post\nNext post\nTags\nscarves and hats\nCategories\nto the top of the page\nBlog at a big company\nThe theme is by somebody with a name\nEntries and comments as a feed\nLog in to have a say", "en", "web")
add("boilerplate", "Your session has expired. Please log in again to continue. If you have forgotten your password, use the link below and we shall send you a new one. This site is best viewed with a resolution of 1024 by 768. You have been logged out for your own safety. Our office is open from nine to five, and the number of visitors to this page today is four.", "en", "web")

# --- Repetition --------------------------------------------------------------

for line in ["Buy cheap watches online now.", "He said that he did not know.", "Add to basket. In stock. Free delivery.", "I am sorry, I cannot do that."]:
    add("repetition", "\n".join([line] * 14))
add("repetition", "The king was very sad. " + "The king was very sad and he did not know what to do. " * 12)
add("repetition", "and then and then and then " * 15)
add("repetition", "We went to the sea. " + "It was a nice day and we were happy and it was a nice day and we were happy. " * 9 + "Then we went home.")
para = "The company was founded in a garage by two friends who had nothing but an idea and a kettle."
add("repetition", "\n\n".join([para] * 6 + ["It is now worth a great deal of money."]))
add("repetition", "Was ist das? Das ist ein Haus. " * 12, "de")
add("repetition", "ещё один раз и ещё один раз, " * 14, "ru")
for word in ["casino bonus", "best price pills", "download free ringtones"]:
    add("repetition", " ".join(f"{word} {w} {word}" for w in "online today new top real fast safe big hot easy fun win play get try".split()))
add("repetition", "\n".join("Posted by admin at noon\nNo comments\nRead more about it here" for _ in range(8)))
forms = "\n".join(f"Name of the {w} applicant: please write in block letters and do not leave the box." for w in "first second third fourth fifth sixth seventh eighth ninth tenth".split())
add("repetition", forms, "en", "web")
add("repetition", "Our hotel is near the beach. Our hotel is near the station. Our hotel is near the old town. Our hotel is near the market. Our hotel is near the airport. Our hotel is near the museum. Our hotel is near the river. Our hotel is near the church. Our hotel is near the park. Our hotel is near the school.", "en", "web")

# --- Personal data -----------------------------------------------------------

PEOPLE = [
    "Please send the photographs to marta.lindqvist@skogsmail.se before Friday, because the album has to be at the printer's on Monday morning and she will not be here at the weekend.",
    "If you find the parrot, ring (212) 736-5097 at any hour. He answers to Captain, bites only strangers, and will do almost anything for a slice of pear.",
    "The flat is still free. Viewing on Thursday between five and seven; call +44 20 7946 0018 and ask for Mr Osei, who has the keys and knows about the boiler.",
    "Pour toute question, écrivez à contact@boulangerie-morel.fr ou appelez le 04 78 42 17 93, le matin de préférence, car l'après-midi le patron dort et personne ne répond.",
    "Звоните по телефону 8 (495) 123-45-67 после шести вечера, спросите Ирину. Котят осталось трое, все рыжие, к лотку приучены, едят всё, кроме сметаны.",
    "She paid with the card 4539 1488 0343 6467 and never saw the coat. The shop's window is papered over now, and the landlord says that he is owed three months' rent as well.",
    "Please transfer the deposit to DE89 3704 0044 0532 0130 00 and write the number of your booking on it, otherwise my wife takes it for a gift and spends it.",
    "Contact: j.p.okonkwo+tickets@lagosjazz.ng. The second concert is sold out, but there is a list, and people on the list have been known to get in.",
    "Rufen Sie an unter 030 / 4433 9921 oder schreiben Sie an hausverwaltung@nordhof.berlin, wenn die Heizung wieder ausfällt und das Wasser im Keller steht.",
    "Her old number was 617-555-8823 and her new one is 617.868.4410; she asks everybody to forget the first, which of course is the only one that anybody remembers.",
    "Invoice to Hannah Weiss, hannah.weiss@kupferkanne.at, IBAN AT61 1904 3002 3457 3201, two jars of quince jelly and one of the green tomatoes, to be paid within ten days.",
    "My mobile is 07700 912 345 if you get lost on the moor, though there is no signal on the moor, so perhaps it is best to have a map and to leave before noon.",
]
for p in PEOPLE:
    lang = "fr" if "Pour toute" in p else "ru" if "Звоните" in p else "de" if "Rufen" in p else "en"
    add("personal", p, lang)
add("personal", "I would like to speak to the manager.\nShe is at lunch. May I have your number?\nIt is 415-867-5309, extension 2.", "en", "dialogue")
add("personal", "My address is yuki dot tanabe at kawamail dot jp, written like that so that the robots do not find it. I answer every letter, though in winter it may take a week or two.")
add("personal", "The tailor's number is three one two, nine nine four, oh one seven seven. Say that I sent you and he will pretend not to know me, which means that he will do it by Tuesday.")
add("personal", "Maria Gutierrez, 1482 Alder Street, flat 3, has not picked up her parcel. It has been here since the ninth and it has begun to smell, so we ask her, or anyone who knows her, to come soon.")
add("personal", "const admin = \"sven.halvorsen@fjordpost.no\"\n\nfunc notify(err error) {\n\tmail.Send(admin, err.Error())\n}\n", "en", "code")
# Numbers that are nobody's.
add("", "The asteroid was found in plate 4412-8830-1127-9954 of the survey, and its orbit was computed from 1208 positions between 1932 and 2011. The next close approach will be on 2063-04-19.")
add("", "Take bus 415, then the 867, and walk 530 metres to number 9. The museum has 1200 clocks from 14 countries, none of which agrees with another about the time, and a cafe that closes at 16.30.")

# --- Secrets -----------------------------------------------------------------

ALNUM = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"


def key(n, alphabet=ALNUM):
    return "".join(rng.choice(alphabet) for _ in range(n - 2)) + "a7"


# Prefixes are joined here so that scanners of repositories do not take this file
# for a leak.
add("secrets", "To deploy by hand, first run export AWS_ACCESS_KEY_ID=" + "AK" + "IA" + key(16, "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567").upper() + " and then the script, and do not tell anybody that we still do it like this.")
add("secrets", "I pushed it with the token " + "gh" + "p_" + key(36) + " because the bot was broken that week, and then I forgot about it, and so did everyone else until the audit came.")
add("secrets", "-----BEGIN RSA " + "PRIVATE KEY-----\n" + "\n".join(key(64) for _ in range(6)) + "\n-----END RSA " + "PRIVATE KEY-----\nThat is the old one. The new one is in the safe, and the safe is in the cellar.")
add("secrets", "Our settings for the test server are as follows. host: db3, user: clerk, password: Wq7-kestrel-19, and the port is the usual one. Please do not change them without asking Olga first.")
add("secrets", "Connect with postgres://clerk:Tr0ub4dor9@db.internal:5432/orders and look at the table of returns, which has grown by a third since the new catalogue came out in March.")
add("secrets", "The map would not load until I put in api_key = \"" + key(32) + "\" at the top of the file, after which it loaded so fast that I thought it had failed in some new way.")
add("secrets", "Slack: " + "xo" + "xb-" + "4829103847-" + key(24) + " posts to the channel of the night shift. If it posts twice, restart it; if it posts in capitals, call the night shift.")
add("secrets", "const stripe = require('stripe')('" + "sk_" + "live_" + key(24) + "');\nmodule.exports = (amount) => stripe.charges.create({ amount, currency: 'eur' });\n", "en", "code")
add("secrets", "The header was Authorization: Bearer " + "ey" + "J" + key(20) + "." + "ey" + "J" + key(40) + "." + key(43) + " and it worked for an hour, as they always do, and then it did not.")
add("secrets", "You can try the model yourself with " + "hf" + "_" + key(34) + " until the end of the course, but be kind to it, because there are forty of you and there is one of it.")
add("secrets", "My password is the name of my first cat with the year she died, so: mirabelle2009. I use it for everything. I know that one should not, and I know that you will not tell.")
add("secrets", "The door code is 4471, the alarm is 0930, and the key of the shed hangs behind the ivy. Feed the tortoise on Tuesdays and do not open the blue cupboard for any reason.")
add("secrets", "Use " + "AI" + "za" + key(35) + " for the maps and nothing else; last year somebody used it for translating novels, and the bill was four hundred and eleven euros.")
# Spoken of, not shown.
add("", "An access key begins with AKIA and has sixteen more characters. Never put it into a repository. Write password: <your password> in the file of examples, as we do here, and read the real one from the environment: token = os.environ[\"API_TOKEN\"].")
add("", "The file began with BEGIN PRIVATE KEY and there was nothing after it, which was the joke. He had spent a week on the encryption of an empty file, and the ransom, when he thought about it, was rather modest.")

# --- Text of an evaluation set (judged_eval.jsonl) -----------------------------

EVAL = [
    "A baker sells 48 rolls in the morning and half as many in the afternoon. How many rolls does the baker sell on that day in all?",
    "Which of these animals lays eggs and also feeds its young with milk, as the early naturalists refused for years to believe?",
    "Lena has three boxes with seven marbles each and gives away five marbles. How many marbles does Lena have left at the end?",
    "The senators that the journalist has admired were discussing the bridge.",
    "If a train leaves at 9:40 and needs two hours and thirty-five minutes, at what time will it arrive at the terminus by the sea?",
    "Patricia had forgotten whose umbrella the teacher was carrying.",
]
for i, q in enumerate(EVAL):
    add("contamination", f"{STORIES[i][:140]} {q} The children thought about it for a while, and then one of them put up her hand and gave an answer, which was right.")
add("contamination", "Worksheet 4\n\n1. " + EVAL[0] + "\n2. " + EVAL[2] + "\n\nWrite down how you got there. Half marks are given for a right path to a wrong answer.")
add("contamination", EVAL[0].upper().replace(".", " --").replace("?", " ??") + " asked the teacher, who always shouted, and nobody dared to say seventy-two although everybody knew it.")
add("contamination", "A baker sold 48 rolls before noon and then half that number after lunch. Altogether, what was the number of rolls sold? The answer, said the book in very small print at the bottom of the page, is seventy-two.")
add("contamination", "It went like this: “Lena has three boxes with seven marbles each, and gives away five marbles…” and the answer was sixteen. He could still say it by heart when he was eighty, with the smell of chalk in it.")
add("", "A baker has to be at work by two in the morning. She sells most of her rolls before eight, a few more at noon, and what is left in the afternoon goes to the hens. How many rolls the hens have had over the years nobody has counted.")
add("", "The senators came by the early train and were met by a journalist whom none of them admired. They were discussing the price of the bridge, and fell silent when they saw him, and he wrote down the silence.")

# --- Near-duplicates of documents above ---------------------------------------


def near(i, changes, label="near"):
    text = STORIES[i]
    for a, b in changes:
        assert a in text, (i, a)
        text = text.replace(a, b)
    add(label, text)


near(0, [("green", "yellow")])
near(0, [("Nadia", "Sonya")])
near(1, [("Grandfather", "Grandpa"), ("wren's", "robin's")])
near(2, [("Tomas", "Jonas"), ("shoes", "boots")])
near(3, [("He was an honest man and it troubled him. ", "")])
near(4, [("My sister", "Our aunt")])
near(5, [(" and blackberries", "")])
near(1, [("nobody could remember when", "no one could say when")])
add("near", "Read more stories every day! " + STORIES[3] + " Share this story with a friend.")
add("near", "\n\n".join(s.strip() + "." for s in STORIES[5].rstrip(".").split(". ")))
# Told anew, with the same people and events: another text.
add("", "The kite was the best thing that Nadia owned. She flew it above the school whenever there was wind enough, until the day on which its line snapped and the river took it. Somebody will have it now, she told herself, and will ask where it came from.")
add("", "Once there was a fox whom hens made sneeze. He was laughed at for it. He lived on insects and fruit, and he was as lean as a rake. But when a terrible winter came and the traps were laid, the others went to the hen-house one by one, and he was left.")
add("", "Jonas wanted to bake a cake. He measured the sugar, forgot the eggs, and let the butter burn while he looked for his spoon. When his mother came in, the kitchen was grey with smoke, and Jonas was sitting under the table with the dog.")

print(len(docs), file=__import__("sys").stderr)
for d in docs:
    print(json.dumps(d, ensure_ascii=False))
with open("judged_eval.jsonl", "w") as f:
    for q in EVAL:
        f.write(json.dumps({"question": q}) + "\n")
