"""Words that a full stop may follow within a sentence, in the languages that documents here are mostly in.

Lists of the kind of Koehn's non-breaking prefixes (Europarl, MT Summit 2005); no such list is complete. English,
German, French, Spanish, Italian, Portuguese, Dutch, Polish, Czech, the Nordic languages and Russian are in one list:
what language a few words are in is hardly to be told, and a word of one list seldom ends a sentence of another.
"""

from __future__ import annotations

# Something follows always: "for example", "that is", "compare".
GOES_ON = frozenset("e.g i.e z.b d.h t.ex f.eks p.ex v.g b.v d.w.z т.е vgl cf viz напр".split())
# A name follows.
TITLES = frozenset(
    """adm brig capt cmdr cpl cpt dr fr gen gov herr hon hr ing insp lieut messrs mgr mlle mme mons mr mrs ms msgr mx
    pres prof pvt rev sen sgt sra srta supt dott dott.ssa drs dra excmo dhr mevr mej inż fru frk sig тов
    акад проф""".split()
)
# A number follows, or one of letters: "No. 5", "Fig. IV", "App. B".
BEFORE_NUMBER = frozenset(
    """abb abs abt anh anm ann app appx apt art arts bd bg bl bldg blz bst cap ch chap cl cls col cols dn ed eq eqs exh
    ext fax fig figs fl fn gl hft inv jg kap lfg ln n.º no nos nr nrn núm op ord pag pág págs para paras pars pg pgs
    p pp qtr ref refs reg rm rn rz s sec sect secs ser str suppl tab tabs tav tel tél tlf v ver vers vol vols ziff č čl
    рис табл стр гл п пп д кв тел jan feb febr mar mär mrz apr jun jul aug sep sept oct okt nov dec dez déc févr janv
    avr juil mon tue tues wed thu thur thurs fri sat mo mi""".split()
)
# More of the sentence follows, unless it is a word that often begins one.
WITHIN = frozenset(
    """al approx assn assoc attn av ave avda blvd bros co col corp dept dist div doc est excl exp ext ft govt hwy inc
    inst int intl jr jur llc lt ltd ltda mag maj max med mfg mfr min misc mt mtn natl orig phil pk pkwy pl plc prep prov
    pt rd rep resp sq sr st sta ste temp terr univ var vs viz
    allg begr bes betr bez bzgl bzw ca ders dipl ebd einschl entspr erg ev evtl exkl fa fam ff geb gegr ges gest ggf
    habil hrsg inkl insb insbes insg jhd kath lfd mind mio mrd mtl nachm niederl nördl o.ä od östl röm sog std stdn
    südl tgl u.a u.u v.a v.chr n.chr versch verz vorm westl zus zzgl bd env éd éds aprox dpto ej gral izq dcha pza ud
    uds pagg sez bijv bijz incl ong ul wg woj św angl např nám pozn esim ggr hhv inkl jf mht mv pga
    бул ул г им обл пер пл просп см ср""".split()
)
ABBREVIATIONS = GOES_ON | TITLES | BEFORE_NUMBER | WITHIN
# Measures: after a number these may well end a sentence.
UNITS = frozenset(
    """cc cm cwt dl dm ft g gal h hp hr hrs in kč kg km kr kw l lb lbs m maj mi min mins ml mm ms mph oz pt s sec secs
    std t yd yds yr yrs zł г кг км м мин руб сек см т ч""".split()
)
# Words that often begin a sentence.
STARTERS = frozenset(
    """a after all although an and another any are as at because before both but by did does during each every for from
    further had has have he hence here his how however if in is it its many most much my neither never no nobody none
    nor not nothing now of on once one only or other others our out over please she should since so some such that the
    their then there therefore these they this those though thus to today under unless until upon was we were what when
    where whether which while who whose why with within without would yet you your
    aber alle als am auch auf aus bei beim bis da dabei dafür damit danach dann das dass dem den denn der des deshalb
    die dies diese diesem diesen dieser dieses dort durch ein eine einem einen einer er es für gegen hier ich ihr ihre
    im ist jede jeder jedes jetzt kein keine man mit nach nicht noch nun nur oder ohne seine seit sie sind sonst über
    um und unser unsere unter vom von vor wenn wer wie wir wo zu zum zur
    au aucun avec ce ces cet cette chaque comme dans de depuis donc du elle elles en est et il ils je la le les leur
    lors mais nos notre nous où par pas pour quand que qui sans ses si son sur tous tout toute une vos votre vous à
    al ante cada como con cuando del desde durante el ellos entre era esta este esto las los más para pero por porque
    según ser sin sobre su sus también todo todos un y ya
    anche che ci della gli lo loro ma nel nella non ogni però più questa questo sono
    ao as com depois do dos ela ele em esse foi isso mas na nas nos o os ou pelo seu sua também um uma
    daar dat deze dit een er geen haar het hij hun ik maar met naar niet ons ook op te toen uit van want wij zij zijn
    det efter ett ger han hon jag jeg man vi är
    w z nie na pro se в во все вы для до его если и из или как когда к кто мы на не но о он она они оно по при с так то
    что это я""".split()
)
# Those of them that also stand in names: "K. Le Noir", "B. van Houten".
IN_NAMES = frozenset(
    "al an as da das de del dem den der die do dos du el la las le les lo los na no on so te van vom von".split()
)
# Months with a capital letter, in languages that put a full stop after the day.
MONTHS = frozenset(
    """januar jänner februar feber märz april mai juni juli august september oktober november dezember jan feb febr mär
    mrz apr jun jul aug sep sept okt nov dez""".split()
)
# German words before an ordinal: "am 3. Oktober", "die 2. Sitzung".
BEFORE_ORDINAL = frozenset(
    """ab am auf beim bis das dem den der des die ein eine einem einen einer ihr ihre ihrem ihren ihrer im jede jedem
    jeden jeder jedes nach seine seinem seinen seiner seit und unser unsere unserem unseren unserer vom von vor zum zur
    zwischen""".split()
)
