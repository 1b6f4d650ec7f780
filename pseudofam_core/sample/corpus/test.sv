Efter mötet på torsdag borde vi skicka en kort rapport till alla.
Tåget har stannat, och ingen vet varför.
Läkaren säger att det är hälsosammare att gå än att sitta hela dagen.
Äggen i den här korgen kommer från vår gård.
Anna ser blek ut.
Den gamla kvinnan säljer blommor nära stationen.
Anna lagar gamla klockor.
Skulle din dotter kunna hjälpa min son med läxorna?
Han måste stanna i sängen i dag.
Hur många timmar tog flyget från Madrid?
Vik skjortorna noggrant.
På våren är träden bakom vår skola mycket gröna.
Regnet förstörde allt.
Varje kväll räknar den gamle bonden sina får och stänger grinden.
Teet är fortfarande varmt.
Finns det ett sjukhus i den här byn eller bara ett apotek?
Tre rävar bor i skogen bakom vårt hus.
Skrivaren står bredvid fönstret.
Kan vi se sjön från vårt rum?
Det finns två bagerier i vår by.
Skulle det vara billigare att reparera den gamla datorn eller att köpa en annan?
Peters föräldrar var oroliga eftersom han inte hade ringt på tre dagar.
Vi behöver varma filtar.
Ta med ett paraply, för det kommer mörka moln från havet.
Det fanns inget varmvatten på vårt hotellrum.
Hans nya dator är mycket snabbare än min.
Sommaren går mot sitt slut.
När blir det nya sjukhuset klart? Om ungefär tre år.
Han svarade inte i telefonen eftersom han körde bil i ösregn.
Peter hjälpte alla.
Morgonen blir dimmig.
Peter började på sitt nya jobb i måndags.
Öppna de här kuverten.
Sväng till höger före skolan.
Ingen gillade den nya låten.
Han vill lära sig engelska innan han flyttar till Kanada.
Min mormor sålde sitt gamla hus i byn för två månader sedan.
Han lagar soppa med fisk i kväll.
Sjuksköterskan arbetar på nätterna.
Vi måste köpa salt.
Är Anna äldre än sin man?
Vems är den här väskan? Annas.
Hon läste inte brevet från sin lärare.
Affären är liten, men den säljer mycket god färsk ost.
Flickorna läste böcker efter lunchen.
Ingen borde bada här på vintern.
Det är färre turister på stranden i september än i augusti.
Min storebror vill bli sjuksköterska.
De här handskarna är för stora för henne.
Lagar Peter mat?
Den här vintern var kallare än den förra.
Är det gratis att parkera?
Läkaren kom för sent.
Min son har svår hosta, så han stannade hemma i dag.
Peter letar efter sin dotters blå handskar.
Peter kom till flygplatsen klockan sex i dag.
Om bussen är sen tar vi en taxi.
Slaktaren säljer ägg.
Vilken tid öppnar apoteket i morgon?
Sover kor utomhus?
Chauffören kunde inte se vägen på grund av tjock dimma.
Var är handdukarna?
Varför är det så kallt i köket?
Vi kan inte ta oss över floden eftersom bron har stängts av.
Min dotter älskar hästar.
Min pappa åker tåg till kontoret.
Om ingen köper bröd äter vi ris i kväll.
Vilket av de här tågen är snabbast, Peter?
Lektionen är fyrtio minuter lång.
Äpplena var inte mogna än.
Var snäll och bred lite färskt smör på brödet före serveringen.
Vår katt är inte rädd för hundar.
Kameran i min nya telefon fungerar inte särskilt bra.
Vem öppnade paketet?
Björnar klättrar i träd.
Vi har aldrig sett den här fågeln förut.
Min son behöver nya stövlar.
Första tåget till stan går kvart över fem.
Det blå paraplyet tillhör min lärare.
Museet har inte öppet på tisdagar.
Var snäll och skär inte upp tårtan förrän alla gäster har kommit.
Flickan var ledsen eftersom hennes bästa vän hade flyttat.
Hon kom inte eftersom hennes son var sjuk.
De har inte hittat något hotell än.
Bebisen sov till klockan sex i dag.
Vad kostar de här citronerna?
Soppan luktar konstigt.
Cyklar är billigare.
Vi skulle åka till sjön om vädret vore bättre.
Är det bättre att åka till bergen på vintern eller på sommaren?
Bröllopet blir den andra juni.
Min mamma har varit gladare sedan hon bytte jobb.
Vår busschaufför var arg.
Tvätta tomaterna.
Var kan vi lämna våra väskor till i kväll?
Om det snöar stänger skolan.
Var snäll och stäng fönstren före stormen.
Ät ingenting före blodprovet.
Väck inte grannarna!
Åt gästerna tillräckligt?
