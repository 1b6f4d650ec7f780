Han lagar ris med grönsaker i kväll.
Fåren betar.
Den tredje mars flyger vår familj tillsammans till Japan.
Måste eleverna ha uniform på din sons skola?
Glöm inte födelsedagstårtan.
Hotellet har tolv rum.
Kan vi betala biljetterna med kort?
Var ställde din mamma den stora lådan med gamla familjefoton?
Vi har inte köpt några biljetter än.
Han har väntat på bussen sedan klockan sju.
Skala tre potatisar.
Molnen blir mörkare, så vi borde gå hem genast.
Borde Peter be om ursäkt?
Vi kan gå till stationen tillsammans.
Hur ofta går barnen och simmar?
Tvätta händerna före middagen och sätt dig vid bordet.
På lördag får vi middagsgäster.
Han gick inte till jobbet i går eftersom han hade fruktansvärd huvudvärk.
Hans fru arbetar i Paris.
Kan Anna få låna ditt blå paraply?
Vi flyttar snart till Spanien.
Ta med rena handdukar.
Barnen var för uppspelta för att kunna sova i natt.
Rör inte spisen!
Det kommer att snöa på fredag.
Vinden var så stark att träd föll.
Var snäll och vänta här tills sjuksköterskan ropar upp ditt namn från dörren.
De här apelsinerna är sötare än de från snabbköpet.
Det ligger fyra äpplen i korgen.
Vad kostar parkeringen?
Jag kan inte öppna den här filen eftersom min dator är för gammal.
Kom rörmokaren i dag?
Den här soppan behöver salt.
Tåget var två timmar försenat på grund av kraftigt snöfall i natt.
Busschauffören stannade eftersom en get gick över vägen.
Deras kök är pyttelitet.
Skulle någon kunna skicka mig rapporten före klockan åtta på fredag kväll?
Pappa lagar cyklar.
Min pappa har arbetat där sedan 1998.
Getter äter löv.
Ingen vet hur man lagar den här maskinen.
Vad ska vi laga för mat till gästerna som inte äter kött?
Anna talar mycket tyst.
Den här sjön är djupare än den där.
Vår hund sover under bordet.
Hon har två katter, tre kaniner och en mycket gammal hund.
Det finns ett litet bageri bakom skolan.
Det var varmare väder än förra veckan.
Hur långt är det till flygplatsen från centrum?
Hans kontor ligger på översta våningen i den här byggnaden.
Kan änder flyga långt?
Hur många personer arbetar på ditt kontor? Ungefär trettiofem, tror jag.
Dra för gardinerna.
Vilket tåg går till Berlin?
Biblioteket är stängt på måndag.
Hur lång tid tar det innan den här medicinen verkar?
Var snäll och tala långsammare.
Hon köpte inte klänningen eftersom den var dyr.
Ta den här medicinen två gånger om dagen efter maten.
Hon kanske blir sen eftersom vägarna är isiga.
Snö täcker allt.
Min granne odlar tomater.
Peter drack en kopp te och läste tidningen till midnatt.
Våra grannar har en mycket högljudd papegoja.
Peter tappade bort sina nycklar förra veckan.
Var är Anna? På övervåningen.
Peter cyklar till jobbet varje dag.
Banken ligger mellan två gamla kyrkor.
Är det billigare att åka dit med tåg eller flyg?
Hon köpte en grön halsduk.
Den här bron är mycket gammal.
Vintern kom tidigt.
Sjuksköterskan log vänligt.
Om det regnar stannar vi inne.
Min dotter har feber, så hon kan inte gå till skolan.
De har bott i den här byn i flera år.
Finns det något apotek nära busstationen?
Vi måste ge oss av snart.
Min mobil ramlade i floden förra helgen.
Vilket ämne tycker dina barn bäst om i skolan?
Varför är affärerna stängda i dag?
Var vänlig och ta med ditt pass och två foton till kontoret.
Sover Anna?
Ta på dig en kappa, det blåser.
Den gamle mannen matar fåglarna i parken.
Floden frös till.
Företaget kommer snart att anställa tio nya ingenjörer.
Du borde dricka mer vatten på sommaren.
Vi såg två rådjur nära skogen i morse.
Om jag hade mer tid skulle jag lära mig att måla.
Min fru och jag gifte oss den 5 maj 2010.
Filmen börjar klockan åtta och slutar klockan tio.
Var kan vi köpa färskt bröd på söndag morgon?
Är middagen försenad?
Bergen är som vackrast på senhösten.
Mitt lösenord fungerade inte.
Mina föräldrar köpte det här huset innan den nya vägen byggdes.
Det sjuka barnet bör stanna hemma till söndag.
Priserna steg förra månaden.
Anna håller på att lära sig spela fiol.
Har någon sett mina glasögon? De ligger på hyllan.
Min farfar hör inte bra utan sin hörapparat.
Sista bussen till byn går klockan halv tio.
Stänger simhallen före nio i kväll?
Vår trädgård är full av blommor i juni.
Pojkarna spelade fotboll efter skolan.
Tåget till Rom går klockan tolv på dagen.
Skjortan är trasig.
Ingen ville ha den sista kakan.
Den röda bilen är dyrare än den blå.
Peter hatar att duscha kallt.
Hur många ägg behöver vi?
Läraren rättade alla läxorna i går.
Min dotter ritade en häst.
Anna klarade körprovet.
Museet var fullt av folk.
Löven håller på att gulna.
Skorna kostar bara tjugo euro.
Ingår frukost?
Hon öppnade fönstret eftersom köket var fullt av tjock rök.
Min mamma bakar bröd varje lördag.
Behöver vi varma kläder på resan till Norge?
När är det lunch? Om tio minuter.
Barn älskar ballonger.
Varför åt inte barnen sina grönsaker till lunch?
Vår lärare höjer aldrig rösten.
Vad sa läkaren om hans finger?
Har du ont i tanden?
Var snäll och släck lamporna innan du går.
Var snäll och ställ inte heta fat på träbordet.
Jag letar efter ett billigt rum nära stranden.
Vi behöver kuvert.
Hon kände sig ensam i den stora staden.
Min pappa tycker inte om sitt nya jobb som chaufför.
Barnen blir glada om deras pappa kommer hem tidigt i kväll.
Båda fönstren är stängda.
Rosor behöver solljus.
Affären ger oss pengarna tillbaka om vi klagar.
Läkaren sa åt honom att vila.
Min son är rädd för spindlar.
Ingen sa till Peter att lektionen var inställd i dag.
Om affären är stängd kommer vi tillbaka i morgon.
Bonden sålde sina två hästar och köpte en traktor.
De planterade tio träd förra våren.
Läkaren arbetar på söndagar.
Passagerarna måste visa sina biljetter innan de går in på stationen.
Vem beställde fisk?
Ingen svarade Anna.
Var snäll och ring en läkare om febern inte har gått ner till i morgon.
Släpp inte ut hunden förrän grinden är lagad.
Telefonen laddas nu.
Hon måste vila i tre dagar.
Vi hörde inte dörrklockan på grund av den höga musiken.
Min lillasyster vill läsa medicin.
Batteriet tog slut.
Det var mer än femhundra personer på konserten i går.
Kvinnan i den gula kappan är vår nya granne.
Peter känner sig yr.
Min dator är långsammare än din.
Det gamla bordet kostade mindre än de fyra nya stolarna.
Vem lämnade trädgårdsgrinden öppen?
Vissa fåglar flyger söderut före den första snön.
Det kan bli regn i natt, så stäng alla fönster.
Mötet varade i två timmar.
Vi glömde kartan, men en bonde visade oss vägen.
Hon ringer sin mamma så snart hon har landat.
Är den här platsen ledig? Nej, den är upptagen.
Var är termometern?
Anna är längre än Peter.
Den nya skrivaren fungerar inte som den ska.
Vilken av de här två väskorna är billigast?
Anna ska hälsa på sina föräldrar i juli.
Anna diskade medan Peter städade badrummet och köket.
När solen kom fram smälte snön på taket.
Vårt plan landade säkert.
Öppna inte ugnen på tjugo minuter.
Studenterna måste vara klara med tentan senast klockan elva.
Blanda mjölet med två ägg och lite socker.
Min storebror är bra på matte och kemi.
Bebisen vaknade klockan fem.
Vi ville bada i havet, men vattnet var kallt.
Trots att provet var svårt blev alla elever i min klass godkända.
Servitören gav oss fel soppa, men vi åt den.
Borde vi bjuda in grannarna?
Lägg in köttet i kylskåpet innan du går.
Koka äggen.
Kaffet från den här maskinen är för beskt för Anna.
Lämna inte våta handdukar på stolarna.
Regnar det? Inte än.
Var vänlig och skriv din adress med blyertspenna.
De säljer färsk fisk på den här marknaden.
Barnen bygger sandslott.
Bageriet öppnar tidigt.
Företagets webbplats har inte fungerat sedan i onsdags.
Han svarade inte på sin chefs mejl.
Min farfar har många bin.
Skulle vi kunna sitta ute i dag?
Vems handskar ligger på stolen?
Vägarna är tomma eftersom det är helgdag.
Han var arg eftersom någon hade krossat hans fönster.
