/* Starts the scripts of the editors' pages; the pages also work without them. */
import { watchFrames } from "./cards.js";
import { offerCopies } from "./copy.js";
import { followDrags } from "./drag.js";
import { followFind } from "./find.js";
import { listenToKeys } from "./keys.js";
import { followForms } from "./steer.js";
import { offerArticles } from "./suggest.js";
import { closeNotices, sayNews } from "./swap.js";

closeNotices();
followDrags();
followFind();
followForms();
listenToKeys();
offerArticles();
offerCopies();
watchFrames();
sayNews();
